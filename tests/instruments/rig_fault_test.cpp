// SPDX-License-Identifier: Apache-2.0
// Answers that are wrong, boards that are busy, deaf, missing or not allowed: bounded, nothing done twice, and said so
// that a person knows what to do. Each fault in each state: rig_fault_matrix_test.
#include <atomic>

#include "firmware-protocol/frame.hpp"
#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/rig_fixture.hpp"

namespace nicol::test {
namespace {

using hal_contract::code_of;
using hal_contract::succeeds;
using sim::FaultKind;
using sim::FaultSide;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

Deadline in(std::chrono::milliseconds d) { return SteadyDeadlines().in(d); }

void home(hal::RotationStage& stage) {
  auto motion = stage.home(hal::HomeDirection::positive);
  ASSERT_TRUE(succeeds(motion));
  ASSERT_TRUE(succeeds(motion->wait(in(5000ms))));
}

RigSetup retrying() {
  RigSetup setup = quick();
  setup.timing.usb = {30, 3};
  return setup;
}

/// A cable between a board and this computer that changes what answers say, with every checksum right.
class WrongEcho final : public sim::UsbEmulator {
 public:
  enum class What : std::uint8_t { number, type, content };
  explicit WrongEcho(sim::RigBoard& board) : board_(board) {}
  /// One answer, after `skip` others. Any thread.
  void change(What what, int skip) {
    what_ = what;
    skip_ = skip;
    left_ = 1;
  }
  sim::UsbIdentity identity() const override { return board_.identity(); }
  int control(std::span<const std::uint8_t, 8> setup, std::span<std::uint8_t> data, Picoseconds now) override {
    return board_.control(setup, data, now);
  }
  int out(std::uint8_t endpoint, std::span<const std::uint8_t> bytes, Picoseconds now) override {
    return board_.out(endpoint, bytes, now);
  }
  int in(std::uint8_t endpoint, std::span<std::uint8_t> into, Picoseconds now) override {
    const int size = board_.in(endpoint, into, now);
    if (size > 0 && endpoint == 0x81) alter(into.first(static_cast<std::size_t>(size)));
    return size;
  }
  Picoseconds next_due() const override { return board_.next_due(); }
  void power_cycle() override { board_.power_cycle(); }

 private:
  void alter(std::span<std::uint8_t> bytes) {
    const fw::Decoded found = fw::decode_frame(bytes);
    const bool answer = found.verdict == fw::Verdict::frame && (found.frame.header.flags & fw::kIsAck) != 0;
    if (!answer || left_ == 0 || skip_-- > 0) return;
    left_ = 0;
    fw::Header header = found.frame.header;
    std::vector<std::uint8_t> payload(found.frame.payload.begin(), found.frame.payload.end());
    if (what_ == What::number) header.ack = static_cast<std::uint16_t>(header.ack + 1);
    if (what_ == What::type) header.type = header.type == fw::Type::value ? fw::Type::ack : fw::Type::value;
    if (what_ == What::content && !payload.empty()) payload[0] ^= 0x01;
    (void)fw::encode_frame(header, payload, bytes);
  }
  sim::RigBoard& board_;
  std::atomic<What> what_{What::number};
  std::atomic<int> skip_{0}, left_{0};
};

class RigWrongEcho : public testing::TestWithParam<std::tuple<WrongEcho::What, int>> {};

TEST_P(RigWrongEcho, IsNoAnswerAndMovesNothingTwice) {
  const auto [what, skip] = GetParam();
  auto owned = std::make_unique<sim::RigBench>();
  sim::RigBench& bench = *owned;
  const RigSetup setup = retrying();
  sim::RigBoard board(std::move(owned), {"NIC001", setup.time_scale});
  WrongEcho cable(board);
  FakeUsb::Options options;
  options.time_scale = setup.time_scale;
  FakeUsb usb(cable, options);
  transport::Hub hub;
  auto made = rig::driver(hub, setup.timing).make({{"unit", "axis-0"}});
  ASSERT_TRUE(succeeds(made));
  auto& stage = dynamic_cast<hal::RotationStage&>(**made);
  home(stage);
  cable.change(what, skip);
  const auto begin = Clock::now();
  const auto move = [&](double degrees) -> Result<void> {
    auto motion = stage.move_absolute(Angle::degrees(degrees));
    return motion ? motion->wait(in(3000ms)) : Result<void>(motion.error());
  };
  const auto done = move(5);
  EXPECT_LT(Clock::now() - begin, 4s);
  EXPECT_LE(bench.moves(), 2u) << "homed once, moved once";
  if (!done) {
    EXPECT_TRUE(done.error().code == Code::protocol || done.error().code == Code::timeout) << describe(done.error());
    EXPECT_NE(done.error().message.find_first_of(":"), std::string::npos) << describe(done.error());
  }
  ASSERT_TRUE(until([&] {
    const auto now = stage.status();
    return now && !now->moving;
  }));
  ASSERT_TRUE(succeeds(move(6)));
  EXPECT_NEAR(stage.status()->position.degrees(), 6, 0.1);
}

INSTANTIATE_TEST_SUITE_P(Each, RigWrongEcho,
                         testing::Combine(testing::Values(WrongEcho::What::number, WrongEcho::What::type,
                                                          WrongEcho::What::content),
                                          testing::Values(0, 1, 2, 3)));

TEST(RigFaults, ABusyAxisRefusesAndIsNotMovedByWhatItRefused) {
  RigFixture rig(retrying());
  auto stage = rig.open<hal::RotationStage>("axis-0");
  home(*stage);
  const std::uint64_t before = rig.bench().moves();
  auto first = stage->move_absolute(Angle::degrees(90));
  ASSERT_TRUE(succeeds(first));
  const auto second = stage->move_absolute(Angle::degrees(10));
  EXPECT_EQ(code_of(second), Code::busy);
  EXPECT_NE(second.error().message.find("wait, then try again"), std::string::npos) << second.error().message;
  ASSERT_TRUE(succeeds(first->wait(in(5000ms))));
  EXPECT_EQ(rig.bench().moves() - before, 1u);
  EXPECT_NEAR(stage->status()->position.degrees(), 90, 0.1);
}

TEST(RigFaults, AMoveToldOnceIsNotRefusedByADroppedAnswer) {
  RigFixture rig(retrying());
  auto stage = rig.open<hal::RotationStage>("axis-0");
  home(*stage);
  const std::uint64_t before = rig.bench().moves();
  for (int i = 0; i < 4; ++i) {
    rig.usb().set_faults({{FaultKind::drop, FaultSide::from_device, 1, 2, {}, 0}});
    auto motion = stage->move_relative(Angle::degrees(1));
    ASSERT_TRUE(succeeds(motion));
    ASSERT_TRUE(succeeds(motion->wait(in(3000ms))));
  }
  EXPECT_EQ(rig.bench().moves() - before, 4u);
  EXPECT_NEAR(stage->status()->position.degrees(), 4, 0.05);
}

TEST(RigFaults, ABoardThatLostItsPowerIsGreetedAgainAndTakesItsSettingsBack) {
  RigFixture rig(retrying());
  auto tagger = rig.open<hal::TimeTagger>("tagger");
  hal::ChannelConfig config = *tagger->channel(3);
  config.threshold = {1.25};
  config.enabled = false;
  ASSERT_TRUE(succeeds(tagger->set_channel(3, config)));
  rig.unplug(*tagger);
  rig.replug(*tagger);
  EXPECT_EQ(rig.bench().channel(3).threshold_mv, 1250);
  EXPECT_EQ(rig.bench().channel(3).enabled, fw::Switch::off);
}

TEST(RigFaults, WhatIsPluggedInIsListedWithoutBeingOpened) {
  RigFixture rig;
  const auto found = rig.driver().find({}, {});
  ASSERT_TRUE(succeeds(found));
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().at("serial"), "NIC001");
  EXPECT_EQ(found->front().count("missing"), 0u);
  EXPECT_EQ(rig.usb().claimed(), 0);
}

TEST(RigFaults, ProbingListsTheUnits) {
  RigFixture rig;
  const auto found = rig.driver().find({{"probe", "1"}}, {});
  ASSERT_TRUE(succeeds(found));
  std::vector<std::string> units;
  for (const auto& entry : *found) units.push_back(entry.at("unit"));
  const std::vector<std::string> all{"source",     "tagger",     "shutter-0", "shutter-1", "detector-0", "detector-1",
                                     "detector-2", "detector-3", "axis-0",    "axis-1",    "io"};
  EXPECT_EQ(units, all);
}

TEST(RigFaults, AnUnitThatTheBoardHasNotIsSaid) {
  RigFixture rig;
  EXPECT_EQ(code_of(rig.make("shutter-7")), Code::not_found);
  EXPECT_EQ(code_of(rig.make("axis-2")), Code::not_found);
  EXPECT_EQ(code_of(rig.make("laser")), Code::bad_input);
  EXPECT_EQ(code_of(rig.make("shutter-x")), Code::bad_input);
  EXPECT_EQ(code_of(rig.make("source", {{"slot_ps", "fast"}})), Code::bad_input);
  EXPECT_EQ(code_of(rig.make("source", {{"slot_ps", "1"}})), Code::out_of_range);
}

TEST(RigFaults, AMissingPermissionNamesTheRule) {
  sim::RigBoard board(std::make_unique<sim::RigBench>());
  FakeUsb::Options options;
  options.denied = true;
  FakeUsb usb(board, options);
  transport::Hub hub;
  const auto found = rig::driver(hub).find({}, {});
  ASSERT_TRUE(succeeds(found));
  ASSERT_EQ(found->size(), 1u);
  EXPECT_NE(found->front().at("missing").find("60-nicol.rules"), std::string::npos);
  EXPECT_EQ(code_of(rig::driver(hub).make({{"unit", "source"}})), Code::access_denied);
}

TEST(RigFaults, ADeafBoardIsGivenUpInTime) {
  RigSetup setup = retrying();
  setup.faults = {{FaultKind::drop, FaultSide::to_device, 0, 1'000'000'000, {}, 0}};
  RigFixture rig(setup);
  const auto begin = Clock::now();
  const auto made = rig.make("source");
  EXPECT_EQ(code_of(made), Code::timeout);
  EXPECT_LT(Clock::now() - begin, 5s);
}

}  // namespace
}  // namespace nicol::test
