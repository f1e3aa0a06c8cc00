// SPDX-License-Identifier: Apache-2.0
// A simulated rotating mount: takes its time, has play in its gear, and stops a little beside where it was sent.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "drivers/hal/clocks.hpp"
#include "drivers/hal/motion.hpp"
#include "drivers/hal/random.hpp"
#include "sim/devices/simulated.hpp"

namespace nicol::sim {

struct MotorConfig {
  std::string serial = "motor-0";
  Angle speed = Angle::degrees(60);  // per second, also the fastest
  Angle offset;                      // mechanical angle at which the optic's axis is at zero
  Angle backlash;                    // play between motor and optic
  Angle repeatability = Angle::degrees(0.005), resolution = Angle::degrees(0.0025);
  double wedge = 0;  // amplitude of the optic's periodic error, read by the optics
  Picoseconds settle = Picoseconds::seconds(0.02);
  Angle power_up;  // where the optic stands before homing
  bool can_abort = true, needs_home = true;
  std::optional<std::pair<Angle, Angle>> travel;
  StreamKey noise{0, NodeId::world, Purpose::sim_motor, 0};  // index: one a motor, below 2^32
};

class Motor final : public Simulated<hal::RotationStage> {
 public:
  Motor(const MotorConfig& config, RigClock& clock);

  hal::AxisInfo axis() const override;
  Result<hal::AxisStatus> status() override;
  Result<hal::Motion> home(hal::HomeDirection direction) override;
  Result<hal::Motion> move_absolute(Angle position) override;
  Result<hal::Motion> move_relative(Angle by) override;
  Result<void> stop(hal::StopMode mode) override;
  Result<void> set_velocity(Angle per_second) override;
  void safe_state() noexcept override;
  void replug() noexcept override;

  /// Where the optic's axis really points at t: play and repeatability included, offset taken off. For a t before the
  /// last move began, where it stood then. Thread-safe.
  Angle true_angle(Picoseconds t) const;
  double wedge() const noexcept { return config_.wedge; }
  Picoseconds settled_at() const;  // end of the last move
  void stall();                    // moves stop half-way with motion_fault, until the next homing

 private:
  /// The last move: motor from `from` to `to`, optic following within the play.
  struct Move {
    std::uint64_t number = 0;
    Picoseconds start, arrive, settled;
    Angle from, to, optic_from, noise_from, noise_to;
    bool homing = false, failed = false;
  };

  Result<void> refusal(Picoseconds now) const;
  Result<hal::Motion> begin(Angle to, bool homing);
  hal::Motion handle(const Move& move);
  Result<void> fate(std::uint64_t number) const;
  Angle motor_at(Picoseconds t) const;
  Angle optic_at(Picoseconds t) const;
  Angle noise_at(Picoseconds t) const;
  void cut(Picoseconds now);
  Angle quantised(Angle a) const;

  const MotorConfig config_;
  RigClock* clock_;
  mutable std::mutex mutex_;  // guards everything below
  Move move_;
  std::uint64_t stopped_ = 0;  // number of the last move that was cut short
  bool homed_ = false, stalled_ = false;
  double degrees_moved_ = 0;
};

}  // namespace nicol::sim
