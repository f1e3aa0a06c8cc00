// SPDX-License-Identifier: Apache-2.0
#include "sim/devices/free_clock.hpp"

#include <cmath>

#include "sim/devices/draws.hpp"

namespace nicol::sim {
namespace {

constexpr double kPicosPerSecond = 1e12;

}  // namespace

FreeClock::FreeClock(const ClockModel& model, StreamKey noise)
    : model_(model), offset_(round_ps(model.offset_s * kPicosPerSecond)), key_(noise), stream_(noise) {
  begin();
}

void FreeClock::begin() noexcept {
  stream_ = CounterStream(key_);
  newest_ = 0;
  steps_[0] = {};
}

const FreeClock::Step& FreeClock::step_of(std::int64_t t) noexcept {
  const std::int64_t wanted = t / kStep;
  if (wanted <= newest_ - kKept) begin();
  const double move = model_.walk_per_sqrt_s * std::sqrt(static_cast<double>(kStep) / kPicosPerSecond);
  for (; newest_ < wanted; ++newest_) {
    const Step& last = steps_[static_cast<std::size_t>(newest_ % kKept)];
    const double phase = last.phase + last.frequency * static_cast<double>(kStep);
    steps_[static_cast<std::size_t>((newest_ + 1) % kKept)] = {last.frequency + move * draw_normal(stream_), phase};
  }
  return steps_[static_cast<std::size_t>(wanted % kKept)];
}

std::int64_t FreeClock::reads(std::int64_t t) noexcept {
  const auto at = static_cast<double>(t);
  const std::int64_t shown = t + offset_ + round_ps(at * model_.ppm * 1e-6);
  if (t <= 0 || (model_.drift_per_s == 0 && model_.walk_per_sqrt_s == 0)) return shown;
  const double drifted = model_.drift_per_s * at * at / (2 * kPicosPerSecond);
  if (model_.walk_per_sqrt_s == 0) return shown + round_ps(drifted);
  const Step& step = step_of(t);
  return shown + round_ps(drifted + step.phase + step.frequency * static_cast<double>(t % kStep));
}

double FreeClock::frequency(std::int64_t t) noexcept {
  double y = model_.ppm * 1e-6;
  if (t <= 0) return y;
  y += model_.drift_per_s * static_cast<double>(t) / kPicosPerSecond;
  return model_.walk_per_sqrt_s == 0 ? y : y + step_of(t).frequency;
}

}  // namespace nicol::sim
