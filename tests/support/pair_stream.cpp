// SPDX-License-Identifier: Apache-2.0
#include "tests/support/pair_stream.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "drivers/hal/random.hpp"

namespace nicol::test {
namespace {

struct Event {
  double time = 0;  // ps by the side's own clock
  std::uint8_t pattern = 0;
};

class Draw {
 public:
  Draw(std::uint64_t seed, std::uint64_t index) : stream_({seed, NodeId::world, Purpose::test, index}) {}
  double gap(double per_second) { return -1e12 / per_second * std::log(stream_.uniform_positive()); }
  bool with(double probability) { return probability >= 1 || stream_.uniform() < probability; }
  double gauss() {
    return std::sqrt(-2 * std::log(stream_.uniform_positive())) * std::cos(2 * std::numbers::pi * stream_.uniform());
  }
  double exponential(double mean) { return -mean * std::log(stream_.uniform_positive()); }
  unsigned below(unsigned n) { return static_cast<unsigned>(stream_.below(n)); }

 private:
  CounterStream stream_;
};

/// Detector of a basis (0: V and H, 1: minus and plus) and bit.
unsigned detector(unsigned basis, unsigned bit) { return 2 * bit + basis; }

double jitter(const PairSpec& spec, Draw& draw) {
  const double late = spec.tail > 0 && draw.with(spec.tail_share) ? draw.exponential(spec.tail) : 0;
  return spec.jitter * draw.gauss() + late;
}

double offset_at(const PairSpec& spec, double t) {
  return spec.offset + spec.frequency * t + 0.5 * spec.drift * t * (t * 1e-12);
}

/// An instant of Alice's clock, on a pulse where the source is pulsed.
double emission(const PairSpec& spec, double t) {
  return spec.pulse_period > 0 ? std::floor(t / spec.pulse_period) * spec.pulse_period : t;
}

enum class Clock : std::uint8_t { alice, bob };

std::vector<Event> background(const PairSpec& spec, double rate, Clock clock) {
  std::vector<Event> events;
  Draw draw(spec.seed, clock == Clock::alice ? 1 : 2);
  const double end = spec.seconds * 1e12;
  if (rate > 0)
    for (double t = draw.gap(rate); t < end; t += draw.gap(rate)) {
      const auto pattern = static_cast<std::uint8_t>(1U << draw.below(4));
      if (spec.pulse_period <= 0) {
        events.push_back({t, pattern});
        continue;
      }
      const double shift = clock == Clock::bob ? offset_at(spec, t - spec.offset) : 0;
      const double at = emission(spec, t - shift) + shift + jitter(spec, draw);
      if (at >= 0 && at < end) events.push_back({at, pattern});
    }
  const std::size_t photons = events.size();
  if (spec.dummies > 0)
    for (double t = draw.gap(spec.dummies); t < end; t += draw.gap(spec.dummies)) events.push_back({t, 0x10});
  std::inplace_merge(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(photons), events.end(),
                     [](const Event& x, const Event& y) { return x.time < y.time; });
  return events;
}

struct Detected {
  unsigned alice, bob;
};
Detected measure(const PairSpec& spec, Draw& draw) {
  const unsigned basis_a = draw.below(2), basis_b = draw.below(2), bit = draw.below(2);
  unsigned other = draw.below(2);
  if (basis_a == basis_b && draw.with(spec.visibility)) other = spec.state == PairState::psi_minus ? 1 - bit : bit;
  return {detector(basis_a, bit), detector(basis_b, other)};
}

PairSide in_order(std::vector<Event>&& pairs, std::vector<Event>&& others, TickLength tick) {
  const auto earlier = [](const Event& x, const Event& y) { return x.time < y.time; };
  std::sort(pairs.begin(), pairs.end(), earlier);
  if (!std::is_sorted(others.begin(), others.end(), earlier)) std::sort(others.begin(), others.end(), earlier);
  std::vector<Event> all(pairs.size() + others.size());
  std::merge(pairs.begin(), pairs.end(), others.begin(), others.end(), all.begin(), earlier);
  PairSide side;
  side.ticks.reserve(all.size());
  side.patterns.reserve(all.size());
  for (const Event& e : all) {
    side.ticks.push_back(tick.to_ticks({std::llround(e.time)}));
    side.patterns.push_back(e.pattern);
  }
  return side;
}

}  // namespace

double PairStreams::offset_at_first() const {
  return offset_at(spec, static_cast<double>(spec.tick_alice.to_picoseconds(alice.ticks.front()).count));
}

double PairStreams::frequency_at_first() const {
  return spec.frequency +
         spec.drift * 1e-12 * static_cast<double>(spec.tick_alice.to_picoseconds(alice.ticks.front()).count);
}

PairStreams draw_pairs(const PairSpec& spec) {
  PairStreams out;
  out.spec = spec;
  Draw draw(spec.seed, 0);
  std::vector<Event> alice, bob;
  const double end = spec.seconds * 1e12, from = std::min(0.0, -spec.offset) - 1e9;
  const double until = std::max(end, end - spec.offset) + 2e9 * spec.seconds;
  for (double t = from + (spec.pairs > 0 ? draw.gap(spec.pairs) : 2 * (until - from)); t < until;
       t += draw.gap(spec.pairs)) {
    const double emitted = emission(spec, t);
    const Detected d = measure(spec, draw);
    const double ta = emitted + jitter(spec, draw) + spec.delay_alice[d.alice];
    const double tb = emitted + offset_at(spec, emitted) + jitter(spec, draw) + spec.delay_bob[d.bob];
    auto pattern = static_cast<std::uint8_t>(1U << d.bob);
    if (spec.double_click_share > 0 && draw.with(spec.double_click_share))
      pattern = static_cast<std::uint8_t>(pattern | 1U << (d.bob + 1 + draw.below(3)) % 4);
    const bool dark = t >= spec.dark_from * 1e12 && t < spec.dark_to * 1e12;
    const bool at_alice = draw.with(spec.efficiency_alice) && ta >= 0 && ta < end && !dark;
    const bool at_bob = draw.with(spec.efficiency_bob) && tb >= 0 && tb < end && !dark;
    if (at_alice) alice.push_back({ta, static_cast<std::uint8_t>(1U << d.alice)});
    if (at_bob) bob.push_back({tb, pattern});
    if (at_alice && at_bob)
      out.pairs.push_back({spec.tick_alice.to_ticks({std::llround(ta)}), spec.tick_bob.to_ticks({std::llround(tb)})});
  }
  out.alice = in_order(std::move(alice), background(spec, spec.background_alice, Clock::alice), spec.tick_alice);
  out.bob = in_order(std::move(bob), background(spec, spec.background_bob, Clock::bob), spec.tick_bob);
  return out;
}

std::string readevents(const PairSide& side) {
  std::string out(8 * side.ticks.size(), '\0');
  for (std::size_t k = 0; k < side.ticks.size(); ++k) {
    const std::uint64_t word = static_cast<std::uint64_t>(side.ticks[k]) << 10 | side.patterns[k];
    std::memcpy(out.data() + 8 * k, &word, 8);
  }
  return out;
}

PairSpec key_pairs() {
  PairSpec spec;
  spec.seconds = 1.5;
  spec.pairs = 12'000;
  spec.background_alice = spec.background_bob = 20'000;
  spec.jitter = 200;
  spec.visibility = 0.97;
  spec.offset = 3e10, spec.frequency = 12e-6;
  return spec;
}

}  // namespace nicol::test
