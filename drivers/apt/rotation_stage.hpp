// SPDX-License-Identifier: Apache-2.0
// K10CR1, K10CR2 and KDC101 (or TDC001) with a PRM1-Z8 as a rotating mount.
#pragma once

#include <mutex>

#include "drivers/apt/face.hpp"
#include "drivers/hal/motion.hpp"

namespace nicol::apt {

class RotationStage final : public Face<hal::RotationStage> {
 public:
  /// `backlash`: what a Waveplate should take out; the controllers have a correction of their own, on by default.
  static Result<std::unique_ptr<hal::Device>> make(std::unique_ptr<Controller> controller, Angle backlash);
  ~RotationStage() override { release(); }

  std::span<const hal::ArgInfo> properties() const override { return properties_; }
  Result<hal::Value> read_property(std::string_view key) override;
  Result<void> write_property(std::string_view key, const hal::Value& value) override;
  void safe_state() noexcept override;

  hal::AxisInfo axis() const override;
  Result<hal::AxisStatus> status() override;
  Result<hal::Motion> home(hal::HomeDirection direction) override;
  Result<hal::Motion> move_absolute(Angle position) override;
  Result<hal::Motion> move_relative(Angle by) override;
  Result<void> stop(hal::StopMode mode) override;
  Result<void> set_velocity(Angle per_second) override;

 private:
  struct Speed {
    double velocity = 0, acceleration = 0;  // deg/s, deg/s^2
  };
  RotationStage(std::unique_ptr<Controller> controller, Angle backlash);
  Result<void> read_speed();
  Result<void> apply(const Speed& speed);
  Result<void> set_direction(hal::HomeDirection direction);
  Result<Report> ready_to_move();
  Result<hal::Motion> go(Angle position);

  const Angle backlash_;
  const std::vector<hal::ArgInfo> properties_;
  std::mutex mutex_;  // guards speed_ and its way to the device
  Speed speed_;
};

}  // namespace nicol::apt
