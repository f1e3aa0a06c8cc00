// SPDX-License-Identifier: Apache-2.0
// What a receiver without sync channel gets from a pulsed source: photons by geometric skipping, jitter, dark counts,
// dead time, and two clocks that drift apart. Seeded, and the truth is kept beside every tag.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "controller/detection/clock/public_pattern.hpp"
#include "drivers/hal/random.hpp"
#include "drivers/hal/rig.hpp"

namespace nicol::test {

struct Darkness {
  double from = 0, to = 0;  // seconds after slot 0, in Alice's time
};
/// Bob's clock jumps: a tagger that loses or gains time.
struct ClockJump {
  double at = 0, by = 0;  // seconds
};

struct PulsedLink {
  std::uint64_t seed = 1;
  double slot_ps = 10'000;
  double per_slot = 1e-4;  // photons that some detector of Bob sees, a slot
  double qber = 0.03;
  double dark_rate = 100;  // Hz, each of four detectors
  double jitter_ps = 500;  // Gaussian, one sigma
  double tail_ps = 0;      // mean of the exponential tail that every second photon has
  double dead_time_s = 1e-6;
  double offset_s = 1;  // of slot 0 in Bob's stream
  double ppm = 0;       // Bob's clock runs fast by it
  double drift = 0;     // of the relative frequency, 1/s
  double walk = 0;      // of it, per square root of a second
  double idle_s = 0.5;  // Bob goes on after the block
  std::vector<Darkness> darkness;
  std::vector<ClockJump> jumps;
  TickLength tick{1, 1};
};

/// tags of channels 0..3 (r0, r1, d0, d1), sorted; truth[i]: the slot of tag i, -1 for a dark count.
struct PulsedTags {
  std::vector<hal::TimeTag> tags;
  std::vector<std::int64_t> truth;
  std::int64_t end_ticks = 0;
  double first_light_s = 0;  // stream time of slot 0
  double end_frequency = 0;  // Bob's clock at the end of the block, relative
  static constexpr double kFrequencyStep = 0.01;
  std::vector<double> frequency;  // the same, so many seconds of Alice's time apart from slot 0 on
};

PulsedTags send(const PulsedLink& link, const detection::PublicPattern& pattern);
/// The state of a slot: the pattern's, or coins of the seed. Bit 0: basis, bit 1: bit.
unsigned sent_state(const PulsedLink& link, const detection::PublicPattern& pattern, std::uint64_t slot);

/// Four detectors and nothing else; 4 ns gates (or what fits), the link's dead time as blind time.
hal::TimingLayout layout_of(const PulsedLink& link);

/// f(TagBlock) for blocks of at most `tags_per_block` tags.
template <class F>
void in_blocks(PulsedTags& light, std::size_t tags_per_block, F&& f) {
  std::int64_t begin = 0;
  for (std::size_t i = 0; i <= light.tags.size(); i += tags_per_block) {
    const std::size_t n = std::min(tags_per_block, light.tags.size() - i);
    hal::TagBlock block;
    block.storage = std::span(light.tags).subspan(i, n);
    block.tag_count = n;
    block.t_begin = begin;
    block.t_end = i + n < light.tags.size() ? light.tags[i + n - 1].ticks + 1 : light.end_ticks;
    begin = block.t_end;
    f(block);
  }
}

}  // namespace nicol::test
