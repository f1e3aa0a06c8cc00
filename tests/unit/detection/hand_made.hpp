// SPDX-License-Identifier: Apache-2.0
// Hand-made tag streams: says what the tagger saw, cuts it into blocks anywhere, and reads the clicks back.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "controller/detection/slot_detector.hpp"

namespace nicol::detection::test {

inline constexpr std::uint16_t kHerald = 4, kSync = 8, kFrame = 9;

/// Four detectors (channels 0..3: r0, r1, d0, d1), slots of 10 ns, gates of 2 ns, 15 ns of blindness, a sync tag every
/// ten slots.
inline hal::TimingLayout layout() {
  hal::TimingLayout t;
  t.slot_period = {10'000};
  t.sync_divider = 10;
  t.gate_width = {2'000};
  t.blind_time = {15'000};
  for (std::uint16_t c = 0; c < 4; ++c)
    t.channels.push_back({c, hal::ChannelRole::detector, static_cast<std::uint8_t>(c / 2),
                          static_cast<std::uint8_t>(c % 2), Picoseconds{3'000}});
  t.channels.push_back({kHerald, hal::ChannelRole::herald, 0, 0, Picoseconds{1'000}});
  t.channels.push_back({kSync, hal::ChannelRole::sync, 0, 0, Picoseconds{0}});
  t.channels.push_back({kFrame, hal::ChannelRole::frame, 0, 0, Picoseconds{0}});
  return t;
}

struct Stream {
  hal::TimingLayout timing = layout();
  TickLength tick{1, 1};
  std::uint64_t slots = 100;
  std::int64_t zero = 1'000'000;  // time of slot 0, in ps
  double rate = 1;                // of this clock against the sender's
  std::vector<hal::TimeTag> tags;
  std::vector<hal::LossInterval> losses;
  std::int64_t end = 0;  // in ps; 0: well after the block

  std::int64_t start(std::uint64_t slot) const {
    const double since = static_cast<double>(slot) * static_cast<double>(timing.slot_period.count) * rate;
    return zero + static_cast<std::int64_t>(since + 0.5);
  }
  void at(std::int64_t ps, std::uint16_t channel) { tags.push_back({tick.to_ticks({ps}), channel, 0}); }
  void frame(std::int64_t offset = 0) { at(zero + offset, kFrame); }
  void sync(std::uint64_t j, std::int64_t offset = 0) { at(start(j * timing.sync_divider) + offset, kSync); }
  /// Frame and all sync tags.
  void marks() {
    frame();
    for (std::uint64_t j = 0; j * timing.sync_divider < slots; ++j) sync(j);
  }
  void click(std::uint64_t slot, std::uint16_t channel, std::int64_t offset = 0) {
    at(start(slot) + delay(channel) + offset, channel);
  }
  std::int64_t delay(std::uint16_t channel) const {
    for (const auto& c : timing.channels)
      if (c.channel == channel) return c.delay.count;
    return 0;
  }
  void lose(std::int64_t begin_ps, std::int64_t end_ps, std::uint32_t channels = hal::kAllChannels) {
    hal::LossInterval loss;
    loss.begin = tick.to_ticks({begin_ps});
    loss.end = tick.to_ticks({end_ps});
    loss.channels = channels;
    losses.push_back(loss);
  }
  std::int64_t end_ticks() const { return tick.to_ticks({end != 0 ? end : start(slots) + 1'000'000}); }

  /// f(const TagBlock&) for each block of at most `tags_per_block` tags, in order.
  template <class F>
  void blocks(std::size_t tags_per_block, F&& f) {
    const auto earlier = [](const hal::TimeTag& a, const hal::TimeTag& b) { return a.ticks < b.ticks; };
    std::stable_sort(tags.begin(), tags.end(), earlier);
    std::int64_t begin = std::min<std::int64_t>(0, tags.empty() ? 0 : tags.front().ticks);
    std::size_t told = 0, i = 0;
    do {
      const std::size_t n = std::min(tags_per_block, tags.size() - i);
      hal::TagBlock b;
      b.storage = std::span(tags).subspan(i, n);
      b.tag_count = n;
      b.t_begin = begin;
      b.t_end = i + n < tags.size() ? tags[i + n].ticks : std::max(end_ticks(), begin);
      if (i + n < tags.size() && n > 0 && tags[i + n - 1].ticks == b.t_end) {  // equal ticks stay together
        tags_per_block += 1;
        continue;
      }
      std::size_t tell = told;
      while (tell < losses.size() && losses[tell].begin < b.t_end) ++tell;
      b.loss_storage = std::span(losses).subspan(told, tell - told);
      b.loss_count = tell - told;
      told = tell;
      begin = b.t_end;
      i += n;
      f(b);
    } while (i < tags.size());
  }
};

inline secret::PublicBits open(const secret::BitString& bits) {
  secret::PublicBits out(bits.size());
  bits.with_read(
      [&](std::span<const std::uint64_t> words) { std::copy(words.begin(), words.end(), out.words().begin()); });
  return out;
}

/// What came out, in the open.
struct Seen {
  std::vector<std::uint64_t> slots;
  secret::PublicBits bases, bits;
  std::vector<SlotRange> dropped;
  DetectionReport report;
  bool operator==(const Seen& o) const {
    return slots == o.slots && bases == o.bases && bits == o.bits && dropped == o.dropped &&
           report.per_channel == o.report.per_channel && report.arrival == o.report.arrival &&
           report.out_of_gate == o.report.out_of_gate && report.blinded == o.report.blinded &&
           report.repeats == o.report.repeats && report.sync_missing == o.report.sync_missing &&
           report.sync_rejected == o.report.sync_rejected && report.same_basis_multi == o.report.same_basis_multi &&
           report.cross_basis_multi == o.report.cross_basis_multi;
  }
};
inline Seen see(SlotDetector::Finished&& finished) {
  return {finished.clicks.slots, open(finished.clicks.bases), open(finished.clicks.bits), finished.clicks.dropped,
          finished.report};
}

inline DetectorOptions options(const Stream& stream) {
  DetectorOptions o;
  o.slots = stream.slots;
  o.capacity = 4096;
  return o;
}
inline Seen detect(Stream stream, const DetectorOptions& o, std::size_t tags_per_block = 1 << 20) {
  const auto random = make_seeded_random(1, NodeId::bob);
  SlotDetector detector(stream.timing, stream.tick, o, *random);
  stream.blocks(tags_per_block, [&](const hal::TagBlock& b) {
    const auto ok = detector.process(b);
    if (!ok) throw std::runtime_error(describe(ok.error()));
  });
  return see(detector.finish());
}
inline Seen detect(const Stream& stream, std::size_t tags_per_block = 1 << 20) {
  return detect(stream, options(stream), tags_per_block);
}

using Slots = std::vector<std::uint64_t>;

}  // namespace nicol::detection::test
