// SPDX-License-Identifier: Apache-2.0
// A mount that turns at once, or sticks where it is.
#pragma once

#include <atomic>

#include "drivers/hal/motion.hpp"
#include "sim/devices/simulated.hpp"

namespace nicol::test {

class StubStage final : public sim::Simulated<hal::RotationStage> {
 public:
  StubStage(std::string serial, Angle at) : Simulated("stub", std::move(serial)), position(at) {}
  hal::AxisInfo axis() const override {
    hal::AxisInfo info;
    info.repeatability = info.resolution = Angle::degrees(0.01);
    info.needs_home = false;
    return info;
  }
  Result<hal::AxisStatus> status() override {
    hal::AxisStatus status;
    status.homed = status.settled = true;
    status.position = position;
    return status;
  }
  Result<hal::Motion> home(hal::HomeDirection) override { return ended(); }
  Result<hal::Motion> move_absolute(Angle to) override {
    ++moves;
    if (!stuck) position = to;
    return ended();
  }
  Result<hal::Motion> move_relative(Angle by) override { return move_absolute(position + by); }
  Result<void> stop(hal::StopMode) override { return {}; }
  Result<void> set_velocity(Angle) override { return {}; }
  void safe_state() noexcept override {}

  Angle position;
  std::atomic<bool> stuck{false};
  int moves = 0;

 private:
  struct Ended final : hal::MotionState {
    explicit Ended(Result<void> how) : fate(std::move(how)) {}
    Result<void> wait(Deadline, std::stop_token) override { return fate; }
    bool done() const noexcept override { return true; }
    Result<void> fate;
  };
  Result<hal::Motion> ended() const {
    return hal::Motion(std::make_unique<Ended>(
        stuck ? Result<void>(Error{Code::motion_fault, "does not turn", info().serial, 0, {}}) : Result<void>()));
  }
};

}  // namespace nicol::test
