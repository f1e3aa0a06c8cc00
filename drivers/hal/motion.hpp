// SPDX-License-Identifier: Apache-2.0
// Motors: a move is a future; "in position" means settled and read back within tolerance.
#pragma once

#include <memory>
#include <stop_token>

#include "drivers/hal/device.hpp"
#include "drivers/hal/units.hpp"

namespace nicol::hal {

struct AxisInfo {
  double counts_per_degree = 0;
  Angle resolution, repeatability, backlash;
  Angle max_velocity;  // per second
  bool continuous = true, absolute_encoder = false, can_abort = false, can_set_velocity = false, needs_home = true;
  std::optional<std::pair<Angle, Angle>> travel;  // empty: unlimited rotation
};
struct AxisStatus {
  bool homed = false, moving = false, settled = false, limit_forward = false, limit_reverse = false, fault = false;
  Angle position;
  std::uint32_t native = 0;
  std::uint64_t moves = 0;   // since install
  double degrees_moved = 0;  // since install
};

/// Shared state of one move, owned by the driver that runs it.
class MotionState {
 public:
  virtual ~MotionState() = default;
  virtual Result<void> wait(Deadline deadline, std::stop_token stop) = 0;
  /// The motion has ended, well or not: wait() will tell at once. True some time after the end also where nobody waits.
  virtual bool done() const noexcept = 0;
};
class Motion {
 public:
  explicit Motion(std::unique_ptr<MotionState> state) : state_(std::move(state)) {}
  /// timeout, cancelled, motion_fault, disconnected, or ok: settled and read back within tolerance.
  Result<void> wait(Deadline deadline, std::stop_token stop = {}) { return state_->wait(deadline, stop); }
  bool done() const noexcept { return state_->done(); }

 private:
  std::unique_ptr<MotionState> state_;
};

enum class HomeDirection : std::uint8_t { positive, negative };
enum class StopMode : std::uint8_t { immediate, profiled };

/// The mechanical angle of a rotating mount. An axis without travel limits counts on past a turn: from 350 degrees,
/// move_absolute(370) is a move of 20, so that the caller chooses the way.
class RotationStage : public Device {
 public:
  DeviceKind kind() const noexcept final { return DeviceKind::rotation_stage; }
  virtual AxisInfo axis() const = 0;
  virtual Result<AxisStatus> status() = 0;
  virtual Result<Motion> home(HomeDirection direction) = 0;
  virtual Result<Motion> move_absolute(Angle position) = 0;  // not_homed, out_of_range, busy
  virtual Result<Motion> move_relative(Angle by) = 0;        // never retried by a transport
  virtual Result<void> stop(StopMode mode) = 0;              // not_supported where !can_abort
  virtual Result<void> set_velocity(Angle per_second) = 0;   // not_supported where !can_set_velocity
};

/// A retarder in a rotating mount: optical angle = mechanical - offset, modulo 180 degrees.
class Waveplate {
 public:
  Waveplate(RotationStage& stage, double retardance_waves, Nanometres wavelength, Angle fast_axis_offset)
      : stage_(&stage), retardance_waves_(retardance_waves), wavelength_(wavelength), offset_(fast_axis_offset) {}
  /// Shortest way; the final approach always comes from below where the stage has backlash.
  Result<void> set_fast_axis(Angle optical, Deadline deadline, std::stop_token stop = {});
  Result<Angle> fast_axis();
  double retardance_waves() const { return retardance_waves_; }
  Nanometres wavelength() const { return wavelength_; }
  RotationStage& stage() { return *stage_; }

 private:
  RotationStage* stage_;
  double retardance_waves_;
  Nanometres wavelength_;
  Angle offset_;
};

/// Paddles, liquid crystals, fibre squeezers: channels of settable retardance or angle.
class PolarizationController : public Device {
 public:
  DeviceKind kind() const noexcept final { return DeviceKind::polarization_controller; }
  virtual std::size_t channels() const noexcept = 0;
  virtual Range range(std::size_t channel) const = 0;
  virtual std::string_view units() const noexcept = 0;  // "deg" or "waves"
  virtual Result<Motion> set(std::size_t channel, double value) = 0;
  virtual Result<double> get(std::size_t channel) = 0;
};

}  // namespace nicol::hal
