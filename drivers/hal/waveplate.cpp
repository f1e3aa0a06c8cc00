// SPDX-License-Identifier: Apache-2.0
// Optical angles on a mechanical mount: which of the equivalent positions, from which side, and was it reached.
#include <fmt/core.h>

#include <algorithm>

#include "drivers/hal/motion.hpp"

namespace nicol::hal {
namespace {

constexpr Angle kPeriod = Angle::radians(std::numbers::pi);  // a retarder looks the same after half a turn

Angle wrapped(Angle a) { return Angle::radians(std::remainder(a.radians(), kPeriod.radians())); }
Angle magnitude(Angle a) { return a < Angle{} ? -a : a; }
Angle tolerance(const AxisInfo& axis) { return std::max(axis.repeatability * 3.0, axis.resolution); }

/// The position equivalent to `mechanical` that is nearest to `from` and inside the travel: half a turn apart, so one
/// of two when `from` is inside.
Result<Angle> nearest(const AxisInfo& axis, Angle from, Angle mechanical) {
  const Angle straight = from + wrapped(mechanical - from);
  if (!axis.travel) return straight;
  const auto [low, high] = *axis.travel;
  const Angle other = straight < from ? straight + kPeriod : straight - kPeriod;
  for (const Angle candidate : {straight, other})
    if (candidate >= low && candidate <= high) return candidate;
  return Error{Code::out_of_range, fmt::format("no position equivalent to {:.4f} deg lies inside {:.4f}..{:.4f} deg",
                                               mechanical.degrees(), low.degrees(), high.degrees())};
}

Result<void> move(RotationStage& stage, Angle to, Deadline deadline, const std::stop_token& stop) {
  Result<Motion> motion = stage.move_absolute(to);
  if (!motion) return std::move(motion).error();
  return motion->wait(deadline, stop);
}

/// Takes up the play of the gear: ends below the target by more than the backlash unless the way there does already.
Result<void> come_from_below(RotationStage& stage, const AxisInfo& axis, Angle from, Angle target, Deadline deadline,
                             const std::stop_token& stop) {
  Angle below = target - axis.backlash * 2.0;
  if (from <= below) return {};
  if (axis.travel) below = std::max(below, axis.travel->first);
  return move(stage, below, deadline, stop);
}

Result<void> verify(RotationStage& stage, const AxisInfo& axis, Angle target) {
  const Result<AxisStatus> status = stage.status();
  if (!status) return status.error();
  const Angle miss = magnitude(wrapped(status->position - target));
  if (status->settled && !status->fault && miss <= tolerance(axis)) return {};
  // Where it stands may be the setting of a slot before, which is a basis and a bit: no text names it.
  return Error{Code::motion_fault,
               fmt::format("{}, {}, {} than {:.4f} deg from where it was sent", status->fault ? "at fault" : "no fault",
                           status->settled ? "settled" : "not settled", miss <= tolerance(axis) ? "nearer" : "farther",
                           tolerance(axis).degrees()),
               stage.info().serial,
               status->native,
               {}};
}

}  // namespace

Result<void> Waveplate::set_fast_axis(Angle optical, Deadline deadline, std::stop_token stop) {
  const AxisInfo axis = stage_->axis();
  const Result<AxisStatus> before = stage_->status();
  if (!before) return before.error();
  const Result<Angle> target = nearest(axis, before->position, optical + offset_);
  if (!target) return target.error();
  if (axis.backlash > Angle{})
    if (auto ok = come_from_below(*stage_, axis, before->position, *target, deadline, stop); !ok) return ok;
  if (auto ok = move(*stage_, *target, deadline, stop); !ok) return ok;
  return verify(*stage_, axis, *target);
}

Result<Angle> Waveplate::fast_axis() {
  const Result<AxisStatus> status = stage_->status();
  if (!status) return status.error();
  const Angle optical = wrapped(status->position - offset_);
  return optical < Angle{} ? optical + kPeriod : optical;
}

}  // namespace nicol::hal
