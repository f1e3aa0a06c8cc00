// SPDX-License-Identifier: Apache-2.0
// Messages of a block, from the hint to the amplification seed. Every count is checked against what the receiver knows.
#include <algorithm>

#include "controller/session/messages.hpp"

namespace nicol::session {
namespace {

using distillation::ParityRange;

template <class Range>
void put(ByteWriter& w, const std::vector<Range>& ranges) {
  w.varint(ranges.size());
  std::uint64_t at = 0;
  for (const Range& range : ranges) {
    w.varint(range.begin - at);
    w.varint(range.end - range.begin);
    at = range.end;
  }
}

/// Sorted, disjoint, not empty, below `slots`.
template <class Range>
std::vector<Range> ranges(ByteReader& r, std::uint64_t slots) {
  const std::uint64_t count = r.varint_up_to(r.left() / 2);
  std::vector<Range> out;
  out.reserve(static_cast<std::size_t>(count));
  std::uint64_t at = 0;
  for (std::uint64_t i = 0; i < count && !r.failed(); ++i) {
    const std::uint64_t begin = at + r.varint_up_to(slots - at);
    const std::uint64_t size = r.varint_up_to(slots - begin);
    if (size == 0) r.fail();
    out.push_back({begin, begin + size});
    at = begin + size;
  }
  return out;
}

bool click_in_a_gap(const detection::pairs::ClosedList& list) {
  auto at = list.times.begin();
  return std::any_of(list.dropped.begin(), list.dropped.end(), [&](const detection::pairs::TickRange& gap) {
    at = std::lower_bound(at, list.times.end(), gap.begin);
    return at != list.times.end() && *at < gap.end;
  });
}

bool follows(const ParityRange& before, const ParityRange& range) {
  return range.pass == before.pass && range.begin == before.end && range.end - range.begin == before.end - before.begin;
}

/// Ranges of equal length that follow each other are one run: the first pass over a million bits is four numbers.
void put(ByteWriter& w, const std::vector<ParityRange>& ranges) {
  w.varint(ranges.size());
  std::int64_t at = 0;
  for (std::size_t i = 0; i < ranges.size();) {
    std::size_t last = i;
    while (last + 1 < ranges.size() && follows(ranges[last], ranges[last + 1])) ++last;
    w.varint(ranges[i].pass);
    w.signed_varint(static_cast<std::int64_t>(ranges[i].begin) - at);
    w.varint(ranges[i].end - ranges[i].begin);
    w.varint(last - i);
    at = ranges[last].end;
    i = last + 1;
  }
}

struct Run {
  std::uint32_t pass = 0;
  std::uint64_t begin = 0, length = 0, count = 0;
};

Run run(ByteReader& r, std::int64_t at, std::uint64_t bits, std::uint64_t ranges_left) {
  constexpr std::uint64_t kMaxPass = 255;
  Run out;
  out.pass = static_cast<std::uint32_t>(r.varint_up_to(kMaxPass));
  const std::int64_t gap = r.signed_varint(), size = static_cast<std::int64_t>(bits);
  if (gap < -at || gap >= size - at) {
    r.fail();
    return {};
  }
  out.begin = static_cast<std::uint64_t>(at + gap);
  out.length = r.varint_up_to(bits - out.begin);
  if (out.length == 0) {
    r.fail();
    return {};
  }
  out.count = 1 + r.varint_up_to(std::min(ranges_left, (bits - out.begin) / out.length) - 1);
  return out;
}

std::vector<ParityRange> parity_ranges(ByteReader& r, std::uint64_t bits) {
  // Open searches are disjoint within a pass and their blocks grow from pass to pass: never more than there are bits.
  const std::uint64_t count = r.varint_up_to(bits);
  std::vector<ParityRange> out;
  std::int64_t at = 0;
  while (!r.failed() && out.size() < count) {
    const Run next = run(r, at, bits, count - out.size());
    for (std::uint64_t i = 0; i < next.count && !r.failed(); ++i) {
      const std::uint64_t begin = next.begin + i * next.length;
      out.push_back({next.pass, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(begin + next.length)});
    }
    at = static_cast<std::int64_t>(next.begin + next.count * next.length);
  }
  return out;
}

}  // namespace

Bytes encode(const detection::pairs::ClosedList& m) {
  ByteWriter w;
  w.u64(static_cast<std::uint64_t>(m.origin));
  w.increasing(m.times);
  put(w, m.dropped);
  return std::move(w).take();
}

Result<detection::pairs::ClosedList> decode_closed(ByteSpan body, std::uint64_t ticks) {
  ByteReader r(body);
  detection::pairs::ClosedList m;
  m.origin = static_cast<std::int64_t>(r.u64());
  m.times = r.increasing(kMaxDetections, ticks);
  m.dropped = ranges<detection::pairs::TickRange>(r, ticks);
  if (!r.failed() && click_in_a_gap(m)) r.fail();
  return r.finish(std::move(m), "CLOSED");
}

Bytes encode(const Hint& m) {
  ByteWriter w;
  w.u64(m.complete_slots);
  w.increasing(m.clicked);
  return std::move(w).take();
}

Result<Hint> decode_hint(ByteSpan body, std::uint64_t block_slots) {
  ByteReader r(body);
  Hint m;
  m.complete_slots = r.u64();
  if (m.complete_slots > block_slots) r.fail();
  m.clicked = r.increasing(kMaxDetections, m.complete_slots);
  return r.finish(std::move(m), "HINT");
}

Bytes encode(const Pause& m) {
  ByteWriter w;
  w.u64(m.from_slot);
  w.u8(static_cast<std::uint8_t>(m.reason));
  return std::move(w).take();
}

Result<Pause> decode_pause(ByteSpan body, std::uint64_t block_slots) {
  ByteReader r(body);
  Pause m;
  m.from_slot = r.u64();
  if (m.from_slot > block_slots) r.fail();
  m.reason = static_cast<PauseReason>(r.u8_up_to(static_cast<std::uint8_t>(PauseReason::overflow)));
  return r.finish(m, "PAUSE");
}

Bytes encode(const Resume& m) {
  ByteWriter w;
  w.u64(m.first_slot);
  return std::move(w).take();
}

Result<Resume> decode_resume(ByteSpan body, std::uint64_t block_slots) {
  ByteReader r(body);
  Resume m;
  m.first_slot = r.u64();
  if (m.first_slot > block_slots) r.fail();
  return r.finish(m, "RESUME");
}

Bytes encode(const sifting::DetectionList& m) {
  ByteWriter w;
  w.increasing(m.slots);
  w.bits(m.bases);
  put(w, m.dropped);
  return std::move(w).take();
}

Result<sifting::DetectionList> decode_detections(ByteSpan body, std::uint64_t block_slots) {
  ByteReader r(body);
  sifting::DetectionList m;
  m.slots = r.increasing(kMaxDetections, block_slots);
  m.bases = r.bits_exactly(m.slots.size());
  m.dropped = ranges<detection::SlotRange>(r, block_slots);
  return r.finish(std::move(m), "DETECTIONS");
}

Bytes encode(const Bases& m) {
  ByteWriter w;
  w.u64(m.reply.slots_kept_total);
  w.bits(m.reply.kept);
  w.bits(m.reply.bases);
  w.bits(m.reply.mismatched_bits);
  for (std::size_t b = 0; b < 2; ++b) {
    w.bits(m.coins.sample[b]);
    w.f64(m.coins.share[b]);
  }
  w.bits(m.sample);
  w.u64(m.permutation_seed);
  return std::move(w).take();
}

Result<Bases> decode_bases(ByteSpan body, std::uint64_t entries) {
  ByteReader r(body);
  Bases m;
  m.reply.slots_kept_total = r.u64();
  m.reply.kept = r.bits_exactly(entries);
  const std::uint64_t kept = r.failed() ? 0 : m.reply.kept.popcount();
  m.reply.bases = r.bits_exactly(kept);
  m.reply.mismatched_bits = r.bits_up_to(kept);
  std::uint64_t sampled = 0;
  for (std::size_t b = 0; b < 2; ++b) {
    m.coins.sample[b] = r.bits_up_to(kept);
    m.coins.share[b] = r.f64();
    if (m.coins.share[b] < 0 || m.coins.share[b] > 1) r.fail();
    sampled += r.failed() ? 0 : m.coins.sample[b].popcount();
  }
  m.sample = r.bits_exactly(sampled);
  m.permutation_seed = r.u64();
  return r.finish(std::move(m), "BASES");
}

Bytes encode(const Samples& m) {
  ByteWriter w;
  w.bits(m.mismatched);
  w.bits(m.sample);
  return std::move(w).take();
}

Result<Samples> decode_samples(ByteSpan body, std::uint64_t mismatched, std::uint64_t sample) {
  ByteReader r(body);
  Samples m;
  m.mismatched = r.bits_exactly(mismatched);
  m.sample = r.bits_exactly(sample);
  return r.finish(std::move(m), "SAMPLES");
}

Bytes encode(const distillation::CascadeAsk& m) {
  ByteWriter w;
  w.u32(m.round);
  put(w, m.ranges);
  return std::move(w).take();
}

Result<distillation::CascadeAsk> decode_parity_ask(ByteSpan body, std::uint64_t bits) {
  ByteReader r(body);
  distillation::CascadeAsk m;
  m.round = r.u32();
  m.ranges = parity_ranges(r, bits);
  return r.finish(std::move(m), "PARITY_ASK");
}

Bytes encode(const distillation::CascadeAnswer& m) {
  ByteWriter w;
  w.u32(m.round);
  w.bits(m.parities);
  return std::move(w).take();
}

Result<distillation::CascadeAnswer> decode_parity_answer(ByteSpan body, std::uint64_t asked) {
  ByteReader r(body);
  distillation::CascadeAnswer m;
  m.round = r.u32();
  m.parities = r.bits_exactly(asked);
  return r.finish(std::move(m), "PARITY_ANSWER");
}

Bytes encode(const Reconciled& m) {
  ByteWriter w;
  w.u64(m.errors);
  return std::move(w).take();
}

Result<Reconciled> decode_reconciled(ByteSpan body, std::uint64_t bits) {
  ByteReader r(body);
  Reconciled m;
  m.errors = r.u64();
  if (m.errors > bits) r.fail();
  return r.finish(m, "RECONCILED");
}

Bytes encode(const distillation::VerificationMessage& m) {
  ByteWriter w;
  w.bytes(m.key);
  w.u16(static_cast<std::uint16_t>(m.tag_bits));
  w.bytes(m.tag);
  return std::move(w).take();
}

Result<distillation::VerificationMessage> decode_verify(ByteSpan body, unsigned tag_bits) {
  ByteReader r(body);
  distillation::VerificationMessage m;
  m.key = r.fixed<16>();
  m.tag_bits = r.u16();
  if (m.tag_bits < tag_bits || m.tag_bits > 128) r.fail();  // wider where this n needs it, never narrower
  m.tag = r.fixed<16>();
  return r.finish(m, "VERIFY");
}

Bytes encode(Equality m) { return {static_cast<std::uint8_t>(m)}; }

Result<Equality> decode_verified(ByteSpan body) {
  ByteReader r(body);
  const auto m = static_cast<Equality>(r.u8_up_to(1));
  return r.finish(m, "VERIFIED");
}

Bytes encode(const Amplify& m) {
  ByteWriter w;
  w.u64(m.output_bits);
  if (m.output_bits == 0) return std::move(w).take();
  w.u32(m.check);
  for (const std::uint64_t bits : m.split.pools) w.u64(bits);
  w.u64(m.split.delivery);
  w.bits(m.seed);
  return std::move(w).take();
}

Result<Amplify> decode_amplify(ByteSpan body, std::uint64_t input_bits) {
  ByteReader r(body);
  Amplify m;
  m.output_bits = r.u64();
  if (m.output_bits > input_bits) r.fail();
  if (m.output_bits == 0) return r.finish(std::move(m), "AMPLIFY");
  m.check = r.u32();
  for (std::uint64_t& bits : m.split.pools) bits = r.u64();
  m.split.delivery = r.u64();
  m.seed = r.bits_exactly(input_bits + m.output_bits - 1);
  return r.finish(std::move(m), "AMPLIFY");
}

}  // namespace nicol::session
