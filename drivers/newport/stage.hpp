// SPDX-License-Identifier: Apache-2.0
// A rotation stage on a CONEX-CC or SMC100.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "drivers/hal/motion.hpp"
#include "drivers/newport/controller.hpp"

namespace nicol::newport {

/// Thread-safe. The controller works in degrees; its travel limits, velocity and increment are read from it.
class Stage final : public hal::RotationStage {
 public:
  static Result<std::unique_ptr<Stage>> make(std::unique_ptr<Controller> controller, std::string serial);

  hal::DeviceInfo info() const override;
  hal::Link link() const noexcept override { return controller_->link(); }
  std::span<const hal::ArgInfo> properties() const override { return properties_; }
  Result<hal::Value> read_property(std::string_view key) override;
  /// A new velocity counts from the next move on.
  Result<void> write_property(std::string_view key, const hal::Value& value) override;
  Result<std::vector<hal::SelfTestItem>> self_test(Deadline deadline) override;
  void safe_state() noexcept override;  // stops the stage where it is

  hal::AxisInfo axis() const override;
  Result<hal::AxisStatus> status() override;
  /// The controller's own homing has its direction in the controller's configuration. Where it is referenced already,
  /// it goes to its zero; a stage that was switched off after a fault is switched on.
  Result<hal::Motion> home(hal::HomeDirection direction) override;
  Result<hal::Motion> move_absolute(Angle position) override;
  Result<hal::Motion> move_relative(Angle by) override;
  Result<void> stop(hal::StopMode mode) override;
  Result<void> set_velocity(Angle per_second) override;

 private:
  class MoveHandle;
  using Clock = std::chrono::steady_clock;
  struct Limits {
    double negative = 0, positive = 0, velocity = 0, increment = 0;  // degrees
  };
  struct Move {
    std::uint64_t number = 0;
    double from = 0, goal = 0;
    bool homing = false;
    Clock::time_point due;
  };

  Stage(std::unique_ptr<Controller> controller, std::string serial, std::string model, const Limits& limits);

  // All below: mutex_ is held.
  Result<void> ready();
  Result<State> ask_state();
  Result<double> ask_position();
  Result<void> do_command(const std::string& request);
  Result<void> refuse_while_moving() const;
  Result<void> apply_velocity();
  Result<hal::Motion> go_to(double degrees);
  Result<hal::Motion> begin(double from, double goal, bool homing, Clock::duration allowed);
  Clock::duration allowed_for(double way) const;
  void progress();
  void arrived(const State& state);
  void end(const Result<void>& outcome);
  Error error(Code code, std::string message) const;
  Result<void> wait_for(std::uint64_t number, Deadline deadline, const std::stop_token& stop);
  bool has_ended(std::uint64_t number) noexcept;

  const std::unique_ptr<Controller> controller_;
  const std::string serial_, model_;
  const Limits limits_;
  const std::vector<hal::ArgInfo> properties_;
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable_any ended_;
  std::uint64_t generation_;
  double velocity_, applied_velocity_;  // deg/s: wanted, and as the controller has it
  bool homed_ = false, fault_ = false;
  std::uint64_t moves_ = 0;
  double degrees_moved_ = 0;
  std::optional<Move> move_;
  std::map<std::uint64_t, Error> failures_;  // of the last moves, for handles that ask late
};

}  // namespace nicol::newport
