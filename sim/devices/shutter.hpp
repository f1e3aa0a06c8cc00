// SPDX-License-Identifier: Apache-2.0
// A simulated shutter (or flip mirror) whose blade takes its time.
#pragma once

#include <mutex>
#include <string>

#include "drivers/hal/clocks.hpp"
#include "drivers/hal/instruments.hpp"
#include "sim/devices/simulated.hpp"

namespace nicol::sim {

enum class CablePulled : std::uint8_t { closes, stays };

struct ShutterConfig {
  std::string serial = "shutter-0";
  CablePulled when_pulled = CablePulled::closes;
  Picoseconds travel_time = Picoseconds::seconds(0.005);
};

/// Closed at power-up.
class Shutter final : public Simulated<hal::Shutter> {
 public:
  Shutter(const ShutterConfig& config, const RigClock& clock);
  bool self_closing() const noexcept override { return config_.when_pulled == CablePulled::closes; }
  Result<void> open() override;
  void close() noexcept override;
  Result<hal::ShutterState> state() override;
  void safe_state() noexcept override { close(); }
  void unplug() noexcept override;

  /// For the optics: light passes only where the blade is fully open. Thread-safe, needs no cable.
  bool passes(Picoseconds t) const noexcept;

 private:
  void drive(hal::ShutterState target) noexcept;
  const ShutterConfig config_;
  const RigClock* clock_;
  mutable std::mutex mutex_;  // guards everything below
  hal::ShutterState target_ = hal::ShutterState::closed;
  Picoseconds since_;
};

}  // namespace nicol::sim
