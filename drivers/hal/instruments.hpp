// SPDX-License-Identifier: Apache-2.0
// The remaining kinds: detectors, counters, meters, attenuators, shutters, temperature, digital lines.
#pragma once

#include <vector>

#include "drivers/hal/device.hpp"
#include "drivers/hal/photon_source.hpp"
#include "drivers/hal/units.hpp"

namespace nicol::hal {

enum class DetectorMode : std::uint8_t { free_running, gated };
struct DetectorInfo {
  DetectorMode mode = DetectorMode::free_running;
  double efficiency = 0;
  Hertz dark_rate, rate_limit;
  Picoseconds dead_time;
};
/// enable() refuses (unsafe_state) while alignment light is on.
class Detector : public Device {
 public:
  DeviceKind kind() const noexcept final { return DeviceKind::detector; }
  virtual DetectorInfo detector() const = 0;
  virtual Result<void> enable() = 0;
  virtual void disable() noexcept = 0;
  virtual bool enabled() const noexcept = 0;
  virtual Result<void> set_bias(Volts bias) = 0;
  virtual Result<Celsius> temperature() = 0;
  /// over_rate while the device keeps itself off because of bright light: that is why it is not enabled() any more.
  virtual Result<Hertz> rate() = 0;
};

/// Rates and coincidences only: alignment, never key.
class Counter : public Device {
 public:
  DeviceKind kind() const noexcept final { return DeviceKind::counter; }
  virtual Result<std::vector<std::uint64_t>> count(Picoseconds integration, Deadline deadline) = 0;
};

class PowerMeter : public Device {
 public:
  DeviceKind kind() const noexcept final { return DeviceKind::power_meter; }
  virtual Result<Watts> power() = 0;
  virtual Result<void> set_wavelength(Nanometres wavelength) = 0;
  virtual Result<void> zero(Deadline deadline) = 0;
};

class VariableAttenuator : public Device {
 public:
  DeviceKind kind() const noexcept final { return DeviceKind::attenuator; }
  virtual Range range() const = 0;  // dB
  virtual Result<void> set_attenuation(Decibels attenuation) = 0;
  virtual Result<Decibels> attenuation() = 0;
};

enum class ShutterState : std::uint8_t { closed, open, moving, unknown };
std::string_view to_string(ShutterState state) noexcept;
/// Also flip mirrors. self_closing: closes when its cable is pulled.
class Shutter : public Device {
 public:
  DeviceKind kind() const noexcept final { return DeviceKind::shutter; }
  virtual bool self_closing() const noexcept = 0;
  virtual Result<void> open() = 0;
  virtual void close() noexcept = 0;
  virtual Result<ShutterState> state() = 0;
};

class TemperatureController : public Device {
 public:
  DeviceKind kind() const noexcept final { return DeviceKind::temperature_controller; }
  virtual Result<void> set_temperature(Celsius temperature) = 0;
  virtual Result<Celsius> temperature() = 0;
  virtual Result<bool> settled() = 0;
  virtual Result<void> enable() = 0;
  virtual Result<void> disable() = 0;
};

enum class Level : std::uint8_t { low, high };
/// Outputs read low and are low after safe_state().
class DigitalIo : public Device {
 public:
  DeviceKind kind() const noexcept final { return DeviceKind::digital_io; }
  virtual std::size_t inputs() const noexcept = 0;
  virtual std::size_t outputs() const noexcept = 0;
  virtual Result<Level> read(std::size_t input) = 0;
  virtual Result<void> write(std::size_t output, Level level) = 0;
};

}  // namespace nicol::hal
