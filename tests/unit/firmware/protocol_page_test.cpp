// SPDX-License-Identifier: Apache-2.0
// PROTOCOL.md is the specification, and firmware is written from it: each of its tables of numbers against the code.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "firmware-protocol/requester.hpp"
#include "firmware-protocol/responder.hpp"
#include "firmware-protocol/safety.hpp"
#include "firmware-protocol/tag_streamer.hpp"
#include "tests/unit/firmware/host.hpp"

namespace nicol::fw::test {
namespace {

using Row = std::vector<std::string>;

std::string page() {
  std::ifstream in(NICOL_SOURCE_DIR "/firmware-protocol/PROTOCOL.md");
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string trimmed(std::string cell) {
  cell.erase(0, cell.find_first_not_of(" `"));
  cell.erase(cell.find_last_not_of(" `") + 1);
  return cell;
}

/// Rows of all tables whose header line begins with `header`, cells trimmed.
std::vector<Row> table(const std::string& header) {
  std::istringstream lines(page());
  std::vector<Row> rows;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(header)) {
      inside = true;
      std::getline(lines, line);  // |---|---|
      continue;
    }
    if (!line.starts_with("|")) inside = false;
    if (!inside) continue;
    Row row;
    std::istringstream cells(line.substr(1));
    for (std::string cell; std::getline(cells, cell, '|');) row.push_back(trimmed(cell));
    rows.push_back(row);
  }
  EXPECT_FALSE(rows.empty()) << header;
  return rows;
}

using Numbers = std::map<std::string, unsigned>;
/// Second column by first; the first is a number.
Numbers numbers(const std::string& header, int base) {
  Numbers out;
  for (const Row& row : table(header)) out[row.at(1)] = static_cast<unsigned>(std::stoul(row.at(0), nullptr, base));
  return out;
}
template <class Enum>
unsigned n(Enum value) {
  return static_cast<unsigned>(value);
}

TEST(ProtocolPage, TypeNumbersOfAllMessages) {
  Numbers expected{{"HELLO", n(Type::hello)},
                   {"HEARTBEAT", n(Type::heartbeat)},
                   {"ACK, NACK", n(Type::ack)},
                   {"ERROR_EVENT", n(Type::error_event)},
                   {"GET", n(Type::get)},
                   {"SET", n(Type::set)},
                   {"VALUE", n(Type::value)},
                   {"MOVE", n(Type::move)},
                   {"STOP", n(Type::stop)},
                   {"HOME", n(Type::home)},
                   {"AXIS_STATUS", n(Type::axis_status)},
                   {"ARM", n(Type::arm)},
                   {"ENABLE_EMISSION", n(Type::enable_emission)},
                   {"DISABLE_EMISSION", n(Type::disable_emission)},
                   {"SOURCE_CONFIG", n(Type::source_config)},
                   {"PATTERN_CHUNK", n(Type::pattern_chunk)},
                   {"SAFE_STATE", n(Type::safe_state)},
                   {"CLEAR_FAULT", n(Type::clear_fault)},
                   {"SOURCE_RUN", n(Type::source_run)},
                   {"SOURCE_END", n(Type::source_end)},
                   {"SOURCE_STATUS", n(Type::source_status)},
                   {"TAG_BLOCK", n(Type::tag_block)},
                   {"STREAM_START", n(Type::stream_start)},
                   {"STREAM_STOP", n(Type::stream_stop)},
                   {"STREAM_CREDIT", n(Type::stream_credit)},
                   {"TIME_MARK", n(Type::time_mark)},
                   {"FIRMWARE_INFO", n(Type::firmware_info)},
                   {"VENDOR", n(Type::vendor)}};
  EXPECT_EQ(numbers("| type | message |", 16), expected);
}

std::string either(std::size_t a, std::size_t b) { return std::to_string(a) + " or " + std::to_string(b); }

TEST(ProtocolPage, PayloadSizes) {
  const auto size = [](std::size_t bytes) { return std::to_string(bytes); };
  const std::string value = size(kNumberValueBytes) + ", " + either(kChannelValueBytes, kCountersValueBytes);
  const std::map<std::string, std::string> sizes{{"HEARTBEAT", size(Heartbeat::kBytes)},
                                                 {"ACK, NACK", size(Answer::kBytes)},
                                                 {"ERROR_EVENT", size(ErrorEvent::kBytes)},
                                                 {"GET", size(kGetBytes)},
                                                 {"SET", value},
                                                 {"VALUE", value},
                                                 {"MOVE", size(Move::kBytes)},
                                                 {"STOP", size(Axis::kBytes)},
                                                 {"HOME", size(Axis::kBytes)},
                                                 {"AXIS_STATUS", either(Axis::kBytes, AxisStatus::kBytes)},
                                                 {"ARM", size(Arm::kBytes)},
                                                 {"SOURCE_CONFIG", size(SourceConfig::kBytes)},
                                                 {"SOURCE_RUN", size(SourceRun::kBytes)},
                                                 {"SOURCE_STATUS", either(0, SourceStatus::kBytes)},
                                                 {"STREAM_START", size(Credit::kBytes)},
                                                 {"STREAM_CREDIT", size(Credit::kBytes)},
                                                 {"TIME_MARK", either(0, TimeMark::kBytes)},
                                                 {"ENABLE_EMISSION", "0"},
                                                 {"DISABLE_EMISSION", "0"},
                                                 {"SAFE_STATE", "0"},
                                                 {"CLEAR_FAULT", size(ClearFault::kBytes)},
                                                 {"SOURCE_END", "0"},
                                                 {"STREAM_STOP", "0"}};
  std::map<std::string, std::string> found;
  for (const Row& row : table("| type | message |"))
    if (!row.at(2).empty()) found[row.at(1)] = row.at(2);
  EXPECT_EQ(found, sizes);
}

TEST(ProtocolPage, WhichPropertiesCanBeSet) {
  Bench b;
  b.hello(1);
  for (const Row& row : table("| id | property |")) {
    const auto property = static_cast<Property>(std::stoul(row.at(0), nullptr, 16));
    const bool settable = b.order(Type::set, Value{property, 0, 1, {}, {}}) != Nack::unsupported;
    EXPECT_EQ(settable, row.at(3) == "rw") << row.at(1);
  }
}

TEST(ProtocolPage, TheSchemaAndItsHash) {
  const std::string text = page();
  EXPECT_NE(text.find("\n" + std::string(schema_text()) + "\n"), std::string::npos);
  char hash[16];
  std::snprintf(hash, sizeof hash, "%08x", schema_hash());
  EXPECT_NE(text.find(hash), std::string::npos) << hash;
}

TEST(ProtocolPage, NackCodes) {
  const Numbers expected{{"bad_length", n(Nack::bad_length)},       {"bad_value", n(Nack::bad_value)},
                         {"unsupported", n(Nack::unsupported)},     {"busy", n(Nack::busy)},
                         {"not_homed", n(Nack::not_homed)},         {"interlock_open", n(Nack::interlock_open)},
                         {"not_armed", n(Nack::not_armed)},         {"wrong_session", n(Nack::wrong_session)},
                         {"fault_latched", n(Nack::fault_latched)}, {"rate_limited", n(Nack::rate_limited)},
                         {"internal", n(Nack::internal)},           {"unsafe", n(Nack::unsafe)}};
  EXPECT_EQ(numbers("| code | name |", 10), expected);
}

TEST(ProtocolPage, FaultBits) {
  const Numbers expected{{"link_lost", kFaultLinkLost},
                         {"interlock", kFaultInterlock},
                         {"over_rate", kFaultOverRate},
                         {"commanded", kFaultCommanded},
                         {"hardware", kFaultHardware}};
  EXPECT_EQ(numbers("| mask | fault |", 16), expected);
}

TEST(ProtocolPage, PropertyIds) {
  const Numbers expected{{"arm_nonce", n(Property::arm_nonce)},
                         {"watchdog_ms", n(Property::watchdog_ms)},
                         {"interlock", n(Property::interlock)},
                         {"key_switch", n(Property::key_switch)},
                         {"emission", n(Property::emission)},
                         {"light_level", n(Property::light_level)},
                         {"faults", n(Property::faults)},
                         {"shutter", n(Property::shutter)},
                         {"attenuator", n(Property::attenuator)},
                         {"digital_in", n(Property::digital_in)},
                         {"digital_out", n(Property::digital_out)},
                         {"analog_in", n(Property::analog_in)},
                         {"temperature", n(Property::temperature)},
                         {"channel_config", n(Property::channel_config)},
                         {"channel_counters", n(Property::channel_counters)},
                         {"detector_enable", n(Property::detector_enable)},
                         {"detector_rate_limit", n(Property::detector_rate_limit)},
                         {"detector_bias", n(Property::detector_bias)},
                         {"detector_events", n(Property::detector_events)}};
  const Numbers found = numbers("| id | property |", 16);
  EXPECT_EQ(found, expected);
  for (unsigned id = 0; id < 0x10000; ++id) {
    const bool listed = std::any_of(found.begin(), found.end(), [id](const auto& p) { return p.second == id; });
    ASSERT_EQ(known(static_cast<Property>(id)), listed) << id;
  }
}

TEST(ProtocolPage, EnumeratedValues) {
  std::map<std::string, std::string> said;
  for (const Row& row : table("| of | values |")) said[row.at(0)] = row.at(1);
  const std::map<std::string, std::string> expected{
      {"emission", "0 off, 1 armed, 2 emitting, 3 tripped"},
      {"light_level", "0 off, 1 alignment, 2 quantum"},
      {"interlock, key_switch", "0 open, 1 closed, 2 absent"},
      {"shutter", "0 closed, 1 open"},
      {"switch", "0 off, 1 on"},
      {"edge", "0 rising, 1 falling"},
      {"role", "0 none, 1 detector, 2 herald, 3 sync, 4 frame, 5 pps, 6 gate, 7 monitor"},
      {"player", "0 idle, 1 waiting, 2 running, 3 dry, 4 finished, 5 stopped"},
      {"move", "0 absolute, 1 relative"}};
  EXPECT_EQ(said, expected);
  // The words above are pinned to the code here.
  EXPECT_EQ((std::array{n(Emission::off), n(Emission::armed), n(Emission::emitting), n(Emission::tripped)}),
            (std::array{0U, 1U, 2U, 3U}));
  EXPECT_EQ((std::array{n(Light::off), n(Light::alignment), n(Light::quantum)}), (std::array{0U, 1U, 2U}));
  EXPECT_EQ((std::array{n(Loop::open), n(Loop::closed), n(Loop::absent)}), (std::array{0U, 1U, 2U}));
  EXPECT_EQ((std::array{n(Gate::closed), n(Gate::open)}), (std::array{0U, 1U}));
  EXPECT_EQ((std::array{n(Switch::off), n(Switch::on)}), (std::array{0U, 1U}));
  EXPECT_EQ((std::array{n(Edge::rising), n(Edge::falling)}), (std::array{0U, 1U}));
  EXPECT_EQ((std::array{n(Role::none), n(Role::detector), n(Role::herald), n(Role::sync), n(Role::frame), n(Role::pps),
                        n(Role::gate), n(Role::monitor)}),
            (std::array{0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U}));
  EXPECT_EQ((std::array{n(Player::idle), n(Player::waiting), n(Player::running), n(Player::dry), n(Player::finished),
                        n(Player::stopped)}),
            (std::array{0U, 1U, 2U, 3U, 4U, 5U}));
  EXPECT_EQ((std::array{n(MoveKind::absolute), n(MoveKind::relative)}), (std::array{0U, 1U}));
}

/// Each TLV in turn alone in a HELLO: its tag and size are those of the table.
TEST(ProtocolPage, HelloTlvs) {
  Hello h;
  Description& d = h.description;
  d.serial = Text("1");
  d.model = Text("2");
  d.firmware = Text("3");
  d.tagger.channels = 1;
  d.axis_count = 1;
  d.source.min_slot_ps = d.source.max_slot_ps = 1;
  std::array<std::uint8_t, kMostHelloBytes> out{};
  std::map<unsigned, unsigned> written;
  const std::size_t size = encode(h, out);
  for (std::size_t at = kHelloFixedBytes; at < size; at += 2U + out[at + 1]) written[out[at]] = out[at + 1];
  written.erase(0);
  std::map<unsigned, unsigned> listed;
  for (const Row& row : table("| tag | TLV |")) {
    const auto tag = static_cast<unsigned>(std::stoul(row.at(0), nullptr, 16));
    if (tag != 0) listed[tag] = row.at(2) == "text" ? 1 : static_cast<unsigned>(std::stoul(row.at(2)));
  }
  EXPECT_EQ(listed, written);
}

TEST(ProtocolPage, TimesAndLimits) {
  std::map<std::string, unsigned long> said;
  for (const Row& row : table("| constant | value |")) said[row.at(0)] = std::stoul(row.at(1));
  const std::map<std::string, unsigned long> expected{{"window", kWindow},
                                                      {"answers remembered", kRemembered},
                                                      {"wait on USB", kUsbRetry.wait_ms},
                                                      {"wait on a serial line", kSerialRetry.wait_ms},
                                                      {"repeats", kUsbRetry.repeats},
                                                      {"heartbeat", kHeartbeatMs},
                                                      {"watchdog", kDefaultWatchdogMs},
                                                      {"heard before ARM", kFreshMs},
                                                      {"longest gap in that", kFreshGapMs},
                                                      {"ENABLE_EMISSION after ARM", kEnableWithinMs},
                                                      {"over-rate", RateGuard::kLastingMs},
                                                      {"tag block", TagStreamer::kBlockMs},
                                                      {"watchdog, shortest", Description{}.watchdog_min_ms},
                                                      {"watchdog, longest", Description{}.watchdog_max_ms}};
  EXPECT_EQ(said, expected);
  EXPECT_EQ(kSerialRetry.repeats, kUsbRetry.repeats);
}

}  // namespace
}  // namespace nicol::fw::test
