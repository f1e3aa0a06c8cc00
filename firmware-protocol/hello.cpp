// SPDX-License-Identifier: Apache-2.0
#include "firmware-protocol/hello.hpp"

#include "firmware-protocol/crc.hpp"
#include "firmware-protocol/cursor.hpp"
#include "firmware-protocol/frame.hpp"

namespace nicol::fw {
namespace {

enum Tlv : std::uint8_t {
  kPad = 0x00,
  kSerial = 0x01,
  kModel = 0x02,
  kFirmware = 0x03,
  kTagger = 0x04,
  kAxis = 0x05,
  kWatchdog = 0x06,
  kSource = 0x07,
  kShutters = 0x08,
  kPins = 0x09,
  kDetectors = 0x0A
};
constexpr std::uint8_t kHasInterlock = 1, kSelfSafing = 2;

Writer& begin_tlv(Writer& w, Tlv tag, std::size_t size) noexcept {
  return w.put(static_cast<std::uint8_t>(tag)).put(static_cast<std::uint8_t>(size));
}

void put_text(Writer& w, Tlv tag, const Text& text) noexcept {
  if (text.view().empty()) return;
  begin_tlv(w, tag, text.view().size());
  for (const char c : text.view()) w.put(static_cast<std::uint8_t>(c));
}

void put_tagger(Writer& w, const TaggerInfo& t) noexcept {
  if (t.channels == 0) return;
  begin_tlv(w, kTagger, 38).put(t.channels).put(t.tick_num).put(t.tick_den).put(t.word_formats);
  w.put(t.max_rate_hz).put(t.fifo_depth).put(t.jitter_ps).put(t.dead_time_ps);
}

void put_axis(Writer& w, const AxisInfo& a) noexcept {
  begin_tlv(w, kAxis, 16).put(a.counts_num).put(a.counts_den).put(a.max_speed_mdeg).put(a.travel_mdeg);
}

void put_source(Writer& w, const SourceInfo& s) noexcept {
  if (s.max_slot_ps == 0) return;
  const int flags = (s.has_interlock ? kHasInterlock : 0) | (s.self_safing ? kSelfSafing : 0);
  begin_tlv(w, kSource, 22).put(s.min_slot_ps).put(s.max_slot_ps).put(s.buffer_slots).put(s.intensities);
  w.put(static_cast<std::uint8_t>(flags));
}

void put_description(Writer& w, const Description& d) noexcept {
  put_text(w, kSerial, d.serial);
  put_text(w, kModel, d.model);
  put_text(w, kFirmware, d.firmware);
  put_tagger(w, d.tagger);
  for (std::size_t k = 0; k < std::min(d.axis_count, Description::kMostAxes); ++k) put_axis(w, d.axes[k]);
  begin_tlv(w, kWatchdog, 4).put(d.watchdog_min_ms).put(d.watchdog_max_ms);
  put_source(w, d.source);
  begin_tlv(w, kShutters, 2).put(d.shutters).put(d.self_closing_shutters);
  begin_tlv(w, kPins, 5).put(d.attenuators).put(d.digital_inputs).put(d.digital_outputs);
  w.put(d.analog_inputs).put(d.thermistors);
  begin_tlv(w, kDetectors, 5).put(d.detectors.count).put(d.detectors.max_rate_limit_hz);
}

Text take_text(Reader& r) noexcept {
  std::array<char, Text::kMost> characters{};
  const std::size_t size = std::min(r.left(), characters.size());
  for (std::size_t i = 0; i < size; ++i) {
    const auto c = static_cast<char>(r.take<std::uint8_t>());
    characters[i] = c >= ' ' && c <= '~' ? c : '?';
  }
  return Text(std::string_view(characters.data(), size));
}

bool take_tagger(Reader& r, TaggerInfo& t) noexcept {
  t.channels = r.take<std::uint16_t>();
  t.tick_num = r.take<std::uint64_t>();
  t.tick_den = r.take<std::uint64_t>();
  t.word_formats = r.take<std::uint32_t>();
  t.max_rate_hz = r.take<std::uint32_t>();
  t.fifo_depth = r.take<std::uint32_t>();
  t.jitter_ps = r.take<std::uint32_t>();
  t.dead_time_ps = r.take<std::uint32_t>();
  return t.tick_num != 0 && t.tick_den != 0;
}

bool take_axis(Reader& r, Description& d) noexcept {
  if (d.axis_count == Description::kMostAxes) return true;
  AxisInfo& a = d.axes[d.axis_count++];
  a.counts_num = r.take<std::uint32_t>();
  a.counts_den = r.take<std::uint32_t>();
  a.max_speed_mdeg = r.take<std::uint32_t>();
  a.travel_mdeg = r.take<std::uint32_t>();
  return a.counts_num != 0 && a.counts_den != 0;
}

bool take_source(Reader& r, SourceInfo& s) noexcept {
  s.min_slot_ps = r.take<std::uint64_t>();
  s.max_slot_ps = r.take<std::uint64_t>();
  s.buffer_slots = r.take<std::uint32_t>();
  s.intensities = r.take<std::uint8_t>();
  const auto flags = r.take<std::uint8_t>();
  s.has_interlock = (flags & kHasInterlock) != 0;
  s.self_safing = (flags & kSelfSafing) != 0;
  return s.min_slot_ps != 0 && s.min_slot_ps <= s.max_slot_ps;
}

void take_pins(Reader& r, Description& d) noexcept {
  d.attenuators = r.take<std::uint8_t>();
  d.digital_inputs = r.take<std::uint8_t>();
  d.digital_outputs = r.take<std::uint8_t>();
  d.analog_inputs = r.take<std::uint8_t>();
  d.thermistors = r.take<std::uint8_t>();
}

/// A TLV may be longer than we know (a newer side); never shorter.
bool take_tlv(std::uint8_t tag, Reader r, Description& d) noexcept {
  bool good = true;
  switch (tag) {
    case kSerial:
      d.serial = take_text(r);
      break;
    case kModel:
      d.model = take_text(r);
      break;
    case kFirmware:
      d.firmware = take_text(r);
      break;
    case kTagger:
      good = take_tagger(r, d.tagger);
      break;
    case kAxis:
      good = take_axis(r, d);
      break;
    case kWatchdog:
      d.watchdog_min_ms = r.take<std::uint16_t>();
      d.watchdog_max_ms = r.take<std::uint16_t>();
      break;
    case kSource:
      good = take_source(r, d.source);
      break;
    case kShutters:
      d.shutters = r.take<std::uint8_t>();
      d.self_closing_shutters = r.take<std::uint8_t>();
      break;
    case kPins:
      take_pins(r, d);
      break;
    case kDetectors:
      d.detectors.count = r.take<std::uint8_t>();
      d.detectors.max_rate_limit_hz = r.take<std::uint32_t>();
      break;
    default:
      break;
  }
  return good && !r.ran_out();
}

}  // namespace

std::string_view schema_text() noexcept {
  return "TLV:u8,u8;HELLO:u8,u8,u64,u32,u32,u32,u16;HEARTBEAT:u32,u16,u16;ACK:u16,u16;ERROR_EVENT:u16,u16,u32;"
         "GET:u16,u16;VALUE:u16,u16,i64;CHANNEL:u16,u16,u8,u8,u8,u8,i32,i64,u32;COUNTERS:u16,u16,u64,u64;"
         "MOVE:u8,u8,u16,i64;AXIS:u8,u8,u16;AXIS_STATUS:u8,u8,u16,i64;ARM:u64;CLEAR_FAULT:u16,u16;"
         "SOURCE_CONFIG:u64,u32,u32,u16,u16;"
         "PATTERN_CHUNK:u64,u32,u32;SOURCE_RUN:u64,u64;SOURCE_STATUS:u8,u8,u16,u64,u32,u32;CREDIT:u32;"
         "TIME_MARK:u64,u32,u32;TAG_BLOCK:u32,u64,u64,u32,u16,u16";
}

std::uint32_t schema_hash() noexcept {
  std::uint32_t hash = 0;
  for (const char c : schema_text()) {
    const auto byte = static_cast<std::uint8_t>(c);
    hash = crc32c(std::span(&byte, 1), hash);
  }
  return hash;
}

std::size_t encode(const Hello& hello, std::span<std::uint8_t> out) noexcept {
  if (out.size() < kMostHelloBytes) return 0;
  Writer w(out);
  w.put(hello.proto_min).put(hello.proto_max).put(hello.nonce).put(hello.schema_hash);
  w.put(hello.incompat).put(hello.compat).put(hello.mtu);
  put_description(w, hello.description);
  if ((kHeaderBytes + w.written() + kTrailerBytes) % 64 == 0) begin_tlv(w, kPad, 0);
  return w.written();
}

std::optional<Hello> decode_hello(std::span<const std::uint8_t> payload) noexcept {
  Reader r(payload);
  Hello hello;
  hello.proto_min = r.take<std::uint8_t>();
  hello.proto_max = r.take<std::uint8_t>();
  hello.nonce = r.take<std::uint64_t>();
  hello.schema_hash = r.take<std::uint32_t>();
  hello.incompat = r.take<std::uint32_t>();
  hello.compat = r.take<std::uint32_t>();
  hello.mtu = r.take<std::uint16_t>();
  while (r.left() > 0) {
    const auto tag = r.take<std::uint8_t>(), size = r.take<std::uint8_t>();
    const auto value = r.take_bytes(size);
    if (r.ran_out() || !take_tlv(tag, Reader(value), hello.description)) return {};
  }
  if (r.ran_out() || hello.proto_min > hello.proto_max) return {};
  return hello;
}

}  // namespace nicol::fw
