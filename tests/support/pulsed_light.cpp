// SPDX-License-Identifier: Apache-2.0
// Photon by photon; nothing is drawn for a slot in which nothing arrives.
#include "tests/support/pulsed_light.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace nicol::test {
namespace {

struct Arrival {
  double seconds = 0;  // Bob's
  std::uint16_t channel = 0;
  std::int64_t slot = -1;
};

CounterStream stream(const PulsedLink& link, std::uint64_t index) {
  return CounterStream({link.seed, NodeId::world, Purpose::test, index});
}

double normal(CounterStream& random) {
  const double r = std::sqrt(-2 * std::log(random.uniform_positive()));
  return r * std::cos(2 * std::numbers::pi * random.uniform());
}

/// Alice's time since slot 0 to Bob's stream time, on a grid of 10 ms with straight pieces.
class BobsClock {
 public:
  BobsClock(const PulsedLink& link, double seconds) : link_(&link), offset_(link.offset_s) {
    CounterStream random = stream(link, 1);
    double frequency = link.ppm * 1e-6, phase = 0;
    for (std::size_t i = 0; static_cast<double>(i) * kStep <= seconds + kStep; ++i) {
      phase_.push_back(phase);
      frequency_.push_back(frequency);
      phase += frequency * kStep + link.drift * kStep * kStep / 2;
      frequency += link.drift * kStep + link.walk * std::sqrt(kStep) * normal(random);
    }
  }
  double operator()(double alice) const {
    double t = offset_ + alice + at(phase_, alice);
    for (const ClockJump& jump : link_->jumps) t += alice >= jump.at ? jump.by : 0;
    return t;
  }
  double frequency(double alice) const { return at(frequency_, alice); }
  const std::vector<double>& frequencies() const { return frequency_; }

 private:
  static constexpr double kStep = PulsedTags::kFrequencyStep;
  static double at(const std::vector<double>& grid, double seconds) {
    const double x = std::clamp(seconds / kStep, 0.0, static_cast<double>(grid.size()) - 1.001);
    const auto i = static_cast<std::size_t>(x);
    return grid[i] + (grid[i + 1] - grid[i]) * (x - static_cast<double>(i));
  }
  const PulsedLink* link_;
  double offset_;
  std::vector<double> phase_, frequency_;
};

void add_photons(const PulsedLink& link, const detection::PublicPattern& pattern, const BobsClock& bob,
                 std::vector<Arrival>& out) {
  CounterStream random = stream(link, 2);
  const auto slots = static_cast<double>(pattern.layout().slots);
  const double skip = std::log1p(-link.per_slot);
  for (double slot = -1;;) {
    slot += 1 + std::floor(std::log(random.uniform_positive()) / skip);
    if (slot >= slots) return;
    const double alice = slot * link.slot_ps * 1e-12;
    const unsigned sent = sent_state(link, pattern, static_cast<std::uint64_t>(slot)), coins = random() & 3U;
    const unsigned basis = coins & 1U;
    const bool flipped = random.uniform() < link.qber;
    const unsigned bit = basis == (sent & 1U) ? (sent >> 1) ^ (flipped ? 1U : 0U) : coins >> 1;
    double late = link.jitter_ps * normal(random);
    if (link.tail_ps > 0 && random.uniform() < 0.5) late -= link.tail_ps * std::log(random.uniform_positive());
    const auto dark = [&](const Darkness& d) { return alice >= d.from && alice < d.to; };
    if (std::any_of(link.darkness.begin(), link.darkness.end(), dark)) continue;
    out.push_back(
        {bob(alice) + late * 1e-12, static_cast<std::uint16_t>(2 * basis + bit), static_cast<std::int64_t>(slot)});
  }
}

void add_darks(const PulsedLink& link, double end, std::vector<Arrival>& out) {
  if (link.dark_rate <= 0) return;
  for (std::uint16_t channel = 0; channel < 4; ++channel) {
    CounterStream random = stream(link, 10 + channel);
    for (double t = 0;;) {
      t -= std::log(random.uniform_positive()) / link.dark_rate;
      if (t >= end) break;
      out.push_back({t, channel, -1});
    }
  }
}

}  // namespace

unsigned sent_state(const PulsedLink& link, const detection::PublicPattern& pattern, std::uint64_t slot) {
  const unsigned basis = static_cast<unsigned>(detection::index(pattern.layout().basis));
  if (const auto bit = pattern.bit(slot)) return basis | (*bit ? 2U : 0U);
  const auto words = philox4x64({slot / 128, 0x616c696365, 0, 0}, {link.seed, 7});
  return static_cast<unsigned>(words[slot / 32 % 4] >> (2 * (slot % 32))) & 3U;
}

PulsedTags send(const PulsedLink& link, const detection::PublicPattern& pattern) {
  const double block = static_cast<double>(pattern.layout().slots) * link.slot_ps * 1e-12;
  const BobsClock bob(link, block);
  const double end = bob(block) + link.idle_s;
  std::vector<Arrival> arrivals;
  add_photons(link, pattern, bob, arrivals);
  add_darks(link, end, arrivals);
  std::sort(arrivals.begin(), arrivals.end(), [](const Arrival& a, const Arrival& b) { return a.seconds < b.seconds; });
  PulsedTags out;
  out.first_light_s = bob(0);
  out.end_frequency = bob.frequency(block);
  out.frequency = bob.frequencies();
  out.end_ticks = link.tick.to_ticks(Picoseconds::seconds(end));
  std::array<double, 4> ready{};
  for (const Arrival& a : arrivals) {
    if (a.seconds < ready[a.channel] || a.seconds < 0 || a.seconds >= end) continue;
    ready[a.channel] = a.seconds + link.dead_time_s;
    const std::int64_t ticks = link.tick.to_ticks(Picoseconds::seconds(a.seconds));
    out.tags.push_back({std::max(ticks, out.tags.empty() ? 0 : out.tags.back().ticks), a.channel, 0});
    out.truth.push_back(a.slot);
  }
  return out;
}

hal::TimingLayout layout_of(const PulsedLink& link) {
  hal::TimingLayout t;
  t.slot_period = {static_cast<std::int64_t>(link.slot_ps)};
  t.gate_width = {static_cast<std::int64_t>(link.slot_ps * 0.4)};
  t.blind_time = Picoseconds::seconds(link.dead_time_s);
  for (std::uint16_t c = 0; c < 4; ++c)
    t.channels.push_back({c, hal::ChannelRole::detector, static_cast<std::uint8_t>(c / 2),
                          static_cast<std::uint8_t>(c % 2), Picoseconds{0}, Hertz{0}});
  return t;
}

}  // namespace nicol::test
