// SPDX-License-Identifier: Apache-2.0
// A simulated move: it ends at an instant of the rig's clock, and waiting for it is what makes a virtual clock move.
#pragma once

#include <functional>

#include "drivers/hal/clocks.hpp"
#include "drivers/hal/motion.hpp"

namespace nicol::sim {

/// Must not outlive the device that made it.
class TimedMotion final : public hal::MotionState {
 public:
  /// `fate` says at any time whether the move still goes well: disconnected, cancelled, motion_fault or ok.
  TimedMotion(RigClock& clock, Picoseconds end, std::function<Result<void>()> fate);
  Result<void> wait(Deadline deadline, std::stop_token stop) override;
  bool done() const noexcept override;

 private:
  RigClock* clock_;
  Picoseconds end_;
  std::function<Result<void>()> fate_;
};

}  // namespace nicol::sim
