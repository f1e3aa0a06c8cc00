// SPDX-License-Identifier: Apache-2.0
// One move is a start, an end, a speed and what it ends as.
#include "sim/emulators/apt_axis.hpp"

#include <algorithm>
#include <cmath>

namespace nicol::sim {

void AptAxis::power_cycle() {
  velocity = traits_.velocity;
  acceleration = traits_.acceleration;
  moving_ = stalled_ = false;
  at_stop_ = 0;
  homed_ = traits_.knows_position;
  from_ = to_ = traits_.knows_position ? traits_.power_up * traits_.counts_per_degree : 0;
  offset_ = traits_.knows_position ? 0 : traits_.power_up;
}

/// Seconds of a trapezoid over `way` counts are way/speed + speed/acceleration; short ways never reach the speed.
void AptAxis::begin(double to, double speed, Ended goal, Picoseconds now) {
  from_ = counts(now);
  to_ = to;
  goal_ = goal;
  at_stop_ = 0;
  constexpr double kFar = 1e18;
  const double lower = traits_.lower_stop.value_or(-kFar) * traits_.counts_per_degree;
  const double upper = traits_.upper_stop.value_or(kFar) * traits_.counts_per_degree;
  if (to_ < lower || to_ > upper) {
    goal_ = Ended::at_stop;
    to_ = std::clamp(to_, lower, upper);
  }
  if (stall_next && goal != Ended::homed) {
    stall_next = false;
    goal_ = Ended::stalled;
    to_ = (from_ + to_) / 2;
  }
  const double a = std::max(acceleration, 1e-3) * traits_.counts_per_degree, way = std::abs(to_ - from_);
  speed_ = std::min(std::max(speed, 1e-3) * traits_.counts_per_degree, std::sqrt(way * a));
  start_ = now;
  end_ = now + Picoseconds::seconds(way > 0 ? way / speed_ + speed_ / a : 0.001);
  moving_ = true;
}

void AptAxis::move_to(double counts, Picoseconds now) { begin(counts, velocity, Ended::arrived, now); }

void AptAxis::home(bool forward, double degrees_per_second, Picoseconds now) {
  const double here = optic(now);
  const double mark = 360 * (forward ? std::ceil(here / 360 - 1e-9) : std::floor(here / 360 + 1e-9));
  homed_ = traits_.knows_position;
  stalled_ = false;
  begin((mark - offset_) * traits_.counts_per_degree, degrees_per_second, Ended::homed, now);
}

void AptAxis::stop(bool at_once, Picoseconds now) {
  if (!moving_) return;
  const double here = counts(now);
  const double way = at_once ? 0 : std::min(speed_ * 0.02, std::abs(to_ - here));
  const double sign = forward() ? 1 : -1;
  from_ = here;
  to_ = here + sign * way;
  start_ = now;
  end_ = now + Picoseconds::seconds(at_once ? 0.001 : 0.02);
  goal_ = Ended::stopped;
}

std::optional<AptAxis::Ended> AptAxis::ended(Picoseconds now) {
  if (!moving_ || now < end_) return std::nullopt;
  moving_ = false;
  from_ = to_ = std::round(to_);
  if (goal_ == Ended::stalled) stalled_ = true;
  if (goal_ == Ended::at_stop)
    at_stop_ = traits_.upper_stop && to_ >= *traits_.upper_stop * traits_.counts_per_degree - 1 ? 1 : -1;
  if (goal_ == Ended::homed) {
    homed_ = true;
    if (!traits_.knows_position) {
      offset_ += to_ / traits_.counts_per_degree;
      offset_ = std::remainder(offset_, 360);
      from_ = to_ = 0;
    }
  }
  return goal_;
}

double AptAxis::counts(Picoseconds now) const {
  if (!moving_) return to_;
  const double way = std::abs(to_ - from_);
  return from_ + (forward() ? 1 : -1) * std::min(way, travelled(now));
}

double AptAxis::travelled(Picoseconds now) const {
  const double total = (end_ - start_).seconds(), t = std::clamp((now - start_).seconds(), 0.0, total);
  const double way = std::abs(to_ - from_);
  if (total <= 0) return way;
  const double ramp = std::max(0.0, total - way / std::max(speed_, 1e-9));  // speed up and slow down, each so long
  if (ramp <= 0) return way * t / total;
  if (t < ramp) return speed_ * t * t / (2 * ramp);
  if (t > total - ramp) return way - speed_ * (total - t) * (total - t) / (2 * ramp);
  return speed_ * (t - ramp / 2);
}

}  // namespace nicol::sim
