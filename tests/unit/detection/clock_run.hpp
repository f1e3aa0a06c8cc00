// SPDX-License-Identifier: Apache-2.0
// A block of pulsed light through SlotStream: what was numbered, what was kept, and which of it was wrong.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "controller/detection/slot_stream.hpp"
#include "tests/support/pulsed_light.hpp"

namespace nicol::detection::test {

using nicol::test::PulsedLink;
using nicol::test::PulsedTags;

constexpr double kSlotsPerSecond = 1e8;
inline std::uint64_t slots_in(double seconds) { return static_cast<std::uint64_t>(seconds * kSlotsPerSecond); }

/// Anywhere in ±1 s and ±50 ppm, 1e-9/s of drift, a random walk of the frequency, 500 ps of jitter with a tail.
inline PulsedLink link_of(std::uint64_t seed) {
  CounterStream random({seed, NodeId::world, Purpose::test, 4});
  PulsedLink link;
  link.seed = seed;
  link.offset_s = 2 * random.uniform();
  link.ppm = 100 * random.uniform() - 50;
  link.drift = seed % 2 == 0 ? 1e-9 : -1e-9;
  link.walk = 1e-10;
  link.tail_ps = 200;
  return link;
}

inline PublicPattern pattern_of(std::uint64_t slots, std::uint64_t preamble, std::uint64_t tail = 5'000'000,
                                std::uint32_t spacing = 32) {
  PatternLayout layout;
  layout.seed = 77;
  layout.slots = slots;
  layout.preamble = preamble;
  layout.tail = tail;
  layout.spacing = spacing;
  return PublicPattern::make(layout).value();
}

/// Numbers tags as detectors do, nearest slot and gate, and keeps where each went.
class Numbering final : public TagSink {
 public:
  Numbering(std::int64_t gate, std::size_t tags) : gate_(gate) { slots.reserve(tags); }
  void take(const Stretch& stretch, std::span<const std::int64_t> taken, std::span<const std::uint8_t>) override {
    const Locator<Wide> at(stretch, gate_);
    for (const std::int64_t t : taken) {
      const bool early = t < at.earliest();
      const auto place = early ? Locator<Wide>::Place{-1, 0} : at(t);
      slots.push_back(!early && at.in_gate(place.twice) ? place.slot : -1);
      times.push_back(t);
    }
  }
  void before_block(std::int64_t) override {}
  void complete(std::uint64_t) override {}
  std::vector<std::int64_t> slots, times;

 private:
  std::int64_t gate_;
};

struct Outcome {
  ClockReport report;
  std::size_t light = 0;      // photons that were tagged, out of the public slots
  std::size_t kept = 0;       // of them with a slot that is not dropped
  std::size_t slipped = 0;    // kept with a slot that is not theirs
  double relocked_after = 0;  // seconds of light from `again` to the first photon kept after it
  std::uint64_t dropped = 0;
  std::vector<std::int64_t> slots;  // of all tags in a gate of the block
};

inline Outcome run(const PulsedLink& link, const PublicPattern& pattern, double again = 0,
                   std::size_t tags_per_block = 4096) {
  PulsedTags light = send(link, pattern);
  DroppedSlots dropped(pattern.layout().slots);
  SlotSourceOptions options;
  options.slots = pattern.layout().slots;
  options.pattern = pattern;
  SlotStream stream(layout_of(link), link.tick, hal::ChannelRole::detector, options, dropped);
  std::vector<std::int64_t> times(SlotStream::kQueue);
  std::vector<std::uint8_t> who(SlotStream::kQueue);
  ClockScratch scratch;
  const SlotStream::Memory memory{std::span<std::int64_t, SlotStream::kQueue>(times),
                                  std::span<std::uint8_t, SlotStream::kQueue>(who), &scratch};
  Numbering sink(stream.unit().gate, light.tags.size());
  Outcome out;
  in_blocks(light, tags_per_block, [&](const hal::TagBlock& block) {
    const auto ok = stream.process(block, memory, sink);
    if (!ok) throw std::runtime_error(describe(ok.error()));
  });
  stream.finish(memory, sink);
  out.report = std::get<RecoveredClock>(stream.clock()).report();
  out.dropped = dropped.count();
  for (const std::int64_t slot : sink.slots)
    if (slot >= 0 && slot < static_cast<std::int64_t>(options.slots)) out.slots.push_back(slot);
  // Tags come in their order; those forgotten while no slot was known are missing.
  out.relocked_after = 1e9;
  std::size_t at = 0;
  for (std::size_t i = 0; i < light.tags.size(); ++i) {
    if (light.truth[i] < 0) continue;
    const bool is_public = pattern.is_public(static_cast<std::uint64_t>(light.truth[i]));
    out.light += is_public ? 0U : 1U;
    const std::int64_t t = light.tags[i].ticks * stream.unit().num;
    while (at < sink.times.size() && sink.times[at] < t) ++at;
    if (at == sink.times.size() || sink.times[at] != t) continue;
    const std::int64_t slot = sink.slots[at];
    if (slot < 0 || slot >= static_cast<std::int64_t>(options.slots) ||
        dropped.contains(static_cast<std::uint64_t>(slot)))
      continue;
    out.kept += is_public ? 0U : 1U;
    out.slipped += slot == light.truth[i] ? 0U : 1U;
    const double sent = static_cast<double>(light.truth[i]) * link.slot_ps * 1e-12;
    if (sent >= again) out.relocked_after = std::min(out.relocked_after, sent - again);
  }
  return out;
}

/// A block through the slot stream, a piece at a time, with a look at the clock after each.
struct Watched {
  explicit Watched(const PulsedLink& given, const PublicPattern& pattern)
      : link(given), light(send(given, pattern)), dropped(pattern.layout().slots) {
    SlotSourceOptions options;
    options.slots = pattern.layout().slots;
    options.pattern = pattern;
    stream.emplace(layout_of(link), link.tick, hal::ChannelRole::detector, options, dropped);
  }
  template <class F>
  void play(std::size_t tags, TagSink& sink, F&& look) {
    const SlotStream::Memory memory{std::span<std::int64_t, SlotStream::kQueue>(times),
                                    std::span<std::uint8_t, SlotStream::kQueue>(who), &scratch};
    nicol::test::in_blocks(light, tags, [&](const hal::TagBlock& block) {
      if (const auto ok = stream->process(block, memory, sink); !ok) throw std::runtime_error(describe(ok.error()));
      look(static_cast<double>(block.t_end) * 1e-12 - light.first_light_s,
           std::get<RecoveredClock>(stream->clock()).report());
    });
    stream->finish(memory, sink);
  }
  /// Of Bob's clock, so many seconds of his after slot 0.
  double true_frequency(double t) const {
    const auto at = static_cast<std::size_t>(std::max(t, 0.0) / PulsedTags::kFrequencyStep);
    return light.frequency[std::min(at, light.frequency.size() - 1)];
  }
  PulsedLink link;
  PulsedTags light;
  DroppedSlots dropped;
  std::optional<SlotStream> stream;
  std::vector<std::int64_t> times = std::vector<std::int64_t>(SlotStream::kQueue);
  std::vector<std::uint8_t> who = std::vector<std::uint8_t>(SlotStream::kQueue);
  ClockScratch scratch{};
};

}  // namespace nicol::detection::test
