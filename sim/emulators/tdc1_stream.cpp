// SPDX-License-Identifier: Apache-2.0
// The TDC1's stream: inputs that fire in one tick share a word, a quiet stretch gets a dummy, the counter wraps at
// 2^27, and a FIFO that is full loses words and says so in the status only.
#include <algorithm>
#include <cmath>
#include <memory>

#include "sim/emulators/tdc1.hpp"

namespace nicol::sim {
namespace {

constexpr std::int64_t kTick = 2000, kPeriod = std::int64_t{1} << 27;
constexpr std::uint32_t kDummyBit = 0x10;

}  // namespace

/// The tags of the window: light, and what a test wrote, relative to the run's beginning.
void Tdc1Emulator::gather(Picoseconds begin, Picoseconds end) {
  tags_.clear();
  if (options_.light) options_.light(begin, end, tags_);
  const auto last =
      std::find_if(extra_.begin(), extra_.end(), [&](const Tdc1Tag& t) { return run_began_ + t.time >= end; });
  if (last == extra_.begin()) return;
  for (auto tag = extra_.begin(); tag != last; ++tag) tags_.push_back({run_began_ + tag->time, tag->channel});
  extra_.erase(extra_.begin(), last);
  std::stable_sort(tags_.begin(), tags_.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
}

void Tdc1Emulator::stream_until(Picoseconds end) {
  gather(generated_, end);
  for (const Tdc1Tag& tag : tags_) hit(tag);
  const std::int64_t tick = (end - run_began_).count / kTick;
  if (open_tick_ && *open_tick_ < tick) flush_word();
  if (!open_tick_) dummies_until(tick);
}

void Tdc1Emulator::hit(const Tdc1Tag& tag) {
  const std::int64_t tick = (tag.time - run_began_).count / kTick;
  unsigned channel = tag.channel & 3U;
  if (options_.mutant == Tdc1Mutant::swaps_inputs && channel < 2) channel = 1 - channel;
  ++events_;
  if (open_tick_ && *open_tick_ != tick) flush_word();
  if (!open_tick_) {
    dummies_until(tick);
    open_tick_ = tick;
    open_inputs_ = 0;
  }
  open_inputs_ |= 1U << channel;
}

void Tdc1Emulator::flush_word() {
  put_word(*open_tick_, open_inputs_);
  open_tick_.reset();
}

void Tdc1Emulator::dummies_until(std::int64_t tick) {
  const std::int64_t step = options_.dummy_every.count / kTick;
  while (last_tick_ + step < tick) put_word(last_tick_ + step, kDummyBit);
}

/// The FIFO as a leaky bucket.
void Tdc1Emulator::put_word(std::int64_t tick, std::uint32_t low_bits) {
  last_tick_ = tick;
  const double drained = static_cast<double>(tick - level_tick_) * 2e-9 * options_.drained_hz;
  level_words_ = std::max(0.0, level_words_ - drained);
  level_tick_ = tick;
  if (level_words_ + 1 > options_.fifo_words) {
    overflow_ = true;
    ++lost_words_;
    return;
  }
  level_words_ += 1;
  if (options_.mutant == Tdc1Mutant::misses_wraps && (tick / kPeriod) % 2 == 1) return;
  const auto word = static_cast<std::uint32_t>(tick % kPeriod) << 5 | low_bits;
  for (int shift = 0; shift < 32; shift += 8) said_.push_back(static_cast<std::uint8_t>(word >> shift));
}

Tdc1Light poisson_light(std::array<double, 4> rates, std::uint64_t seed) {
  struct Arrivals {
    CounterStream random;
    double rate = 0;
    double next_ps = 0;
  };
  std::vector<Arrivals> inputs;
  for (std::size_t c = 0; c < rates.size(); ++c)
    inputs.push_back({CounterStream({seed, NodeId::world, Purpose::sim_detector, c}), rates[c], 0});
  return [inputs](Picoseconds begin, Picoseconds end, std::vector<Tdc1Tag>& out) mutable {
    for (std::size_t c = 0; c < inputs.size(); ++c) {
      Arrivals& a = inputs[c];
      if (a.rate <= 0) continue;
      if (a.next_ps < static_cast<double>(begin.count)) a.next_ps = static_cast<double>(begin.count);
      while (true) {
        a.next_ps += -std::log(a.random.uniform_positive()) / a.rate * 1e12;
        if (a.next_ps >= static_cast<double>(end.count)) break;
        out.push_back({{static_cast<std::int64_t>(a.next_ps)}, static_cast<unsigned>(c)});
      }
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& x, const auto& y) { return x.time < y.time; });
  };
}

}  // namespace nicol::sim
