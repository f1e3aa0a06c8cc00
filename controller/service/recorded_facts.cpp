// SPDX-License-Identifier: Apache-2.0
#include "controller/service/recorded_facts.hpp"

#include <fmt/format.h>

#include "controller/session/messages.hpp"

namespace nicol::service {
namespace {

using session::ByteReader;
using session::ByteWriter;
using std::chrono::milliseconds;

constexpr std::size_t kMostChannels = 256, kMostHello = 1024;
constexpr std::uint64_t kMostClicks = std::uint64_t{1} << 24, kMostArena = std::uint64_t{1} << 32;

Error wrong(std::string_view what, std::string_view field) {
  return {Code::bad_input, fmt::format("{}, {}: out of its range", what, field), "", 0, {}};
}

void put(ByteWriter& w, Picoseconds t) { w.u64(static_cast<std::uint64_t>(t.count)); }
Picoseconds picoseconds(ByteReader& r) { return {static_cast<std::int64_t>(r.u64())}; }

void put(ByteWriter& w, const hal::TimingLayout& t) {
  put(w, t.slot_period);
  w.u32(t.sync_divider);
  put(w, t.gate_width);
  put(w, t.blind_time);
  w.varint(t.channels.size());
  for (const hal::ChannelLayout& c : t.channels) {
    w.u16(c.channel);
    w.u8(static_cast<std::uint8_t>(c.role));
    w.u8(c.basis);
    w.u8(c.bit);
    put(w, c.delay);
  }
}

hal::TimingLayout timing(ByteReader& r) {
  hal::TimingLayout t;
  t.slot_period = picoseconds(r);
  t.sync_divider = r.u32();
  t.gate_width = picoseconds(r);
  t.blind_time = picoseconds(r);
  const std::uint64_t n = r.varint_up_to(kMostChannels);
  for (std::uint64_t i = 0; i < n && !r.failed(); ++i) {
    hal::ChannelLayout c;
    c.channel = r.u16();
    c.role = static_cast<hal::ChannelRole>(r.u8_up_to(static_cast<std::uint8_t>(hal::ChannelRole::monitor)));
    c.basis = r.u8_up_to(1);
    c.bit = r.u8_up_to(1);
    c.delay = picoseconds(r);
    t.channels.push_back(c);
  }
  return t;
}

/// What the slot clock divides by, and what sizes memory, must be believable.
std::string_view unbelievable(const NodeFacts& f) {
  constexpr std::int64_t kSecond = 1'000'000'000'000;
  const auto within = [](Picoseconds t, std::int64_t least, std::int64_t most) {
    return t.count >= least && t.count <= most;
  };
  if (f.clicks_per_block == 0 || f.clicks_per_block > kMostClicks) return "clicks a block";
  if (f.arena_bytes == 0 || f.arena_bytes > kMostArena) return "arena";
  if (f.tick.num == 0 || f.tick.den == 0 || f.tick.num > 1'000'000'000 || f.tick.den > 1'000'000'000) return "tick";
  if (!within(f.timing.slot_period, 1, 1000 * kSecond)) return "slot period";
  if (f.timing.sync_divider == 0) return "sync divider";
  if (!within(f.timing.gate_width, 0, f.timing.slot_period.count)) return "gate width";
  if (!within(f.timing.blind_time, 0, kSecond)) return "blind time";
  for (const auto& c : f.timing.channels)
    if (!within(c.delay, -kSecond, kSecond)) return "channel delay";
  return {};
}

std::uint64_t count(milliseconds t) { return static_cast<std::uint64_t>(t.count()); }

}  // namespace

RecordedBytes encode(const NodeFacts& f) {
  ByteWriter w;
  w.u8(static_cast<std::uint8_t>(f.side));
  w.u64(f.clicks_per_block);
  w.u64(f.arena_bytes);
  w.u8(f.heralded ? 1 : 0);
  w.u8(static_cast<std::uint8_t>(f.receiver));
  w.u64(f.tick.num);
  w.u64(f.tick.den);
  put(w, f.timing);
  w.bytes(f.digest_key);
  return std::move(w).take();
}

Result<NodeFacts> decode_node_facts(RecordedSpan bytes) {
  ByteReader r(bytes);
  NodeFacts f;
  f.side = static_cast<session::Side>(r.u8_up_to(1));
  f.clicks_per_block = r.u64();
  f.arena_bytes = r.u64();
  f.heralded = r.u8_up_to(1) != 0;
  f.receiver = static_cast<hal::ReceiverKind>(r.u8_up_to(static_cast<std::uint8_t>(hal::ReceiverKind::active)));
  f.tick.num = r.u64();
  f.tick.den = r.u64();
  f.timing = timing(r);
  f.digest_key = r.fixed<32>();
  if (r.failed() || r.left() != 0) return wrong("node", "its bytes");
  if (const auto field = unbelievable(f); !field.empty()) return wrong("node", field);
  return f;
}

RecordedBytes encode(const session::SessionConfig& c) {
  session::Hello hello;
  hello.side = c.side;
  hello.origin = c.origin;
  hello.receiver = c.receiver;
  hello.agreement = c.agreement;
  hello.model = c.model;
  ByteWriter w;
  w.u64(count(c.reply_timeout));
  w.u64(count(c.light_timeout));
  w.u64(count(c.pause_patience));
  w.u64(c.maximum_block_slots);
  w.u64(c.blocks_before);
  w.u32(c.failed_before);
  w.bytes(session::encode(hello));
  return std::move(w).take();
}

Result<session::SessionConfig> decode_session_config(RecordedSpan bytes) {
  constexpr std::size_t kNumbers = 44;
  constexpr std::uint64_t kMostPatience = 1'000'000'000;
  if (bytes.size() < kNumbers || bytes.size() > kNumbers + kMostHello) return wrong("session", "length");
  ByteReader r(bytes.first(kNumbers));
  session::SessionConfig c;
  for (milliseconds* t : {&c.reply_timeout, &c.light_timeout, &c.pause_patience}) {
    const std::uint64_t v = r.u64();
    if (v > kMostPatience) return wrong("session", "patience");
    *t = milliseconds(static_cast<std::int64_t>(v));
  }
  c.maximum_block_slots = r.u64();
  c.blocks_before = r.u64();
  c.failed_before = r.u32();
  auto hello = session::decode_hello(bytes.subspan(kNumbers));
  if (!hello) return wrong("session", "agreement");
  if (hello->protocol != session::kProtocolVersion) return wrong("session", "protocol version");
  c.side = hello->side;
  c.origin = hello->origin;
  c.receiver = hello->receiver;
  c.agreement = hello->agreement;
  c.model = hello->model;
  return c;
}

RecordedBytes encode(const session::BlockResult& b) {
  ByteWriter w;
  w.u64(b.index);
  w.u8(static_cast<std::uint8_t>(b.status));
  w.u8(static_cast<std::uint8_t>(b.reason));
  w.u64(b.slots);
  w.u64(b.detections);
  for (const std::uint64_t n : b.facts.sifted) w.u64(n);
  for (const auto& s : b.facts.sample) {
    w.u64(s.bits);
    w.u64(s.errors);
  }
  w.u64(b.parity_bits);
  w.u64(b.secret_bits);
  w.u32(b.check);
  w.u64(b.auth_bits_spent);
  w.u8(b.statistics_verified ? 1 : 0);
  return std::move(w).take();
}

}  // namespace nicol::service
