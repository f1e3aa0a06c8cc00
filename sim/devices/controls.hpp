// SPDX-License-Identifier: Apache-2.0
// Simulated knobs of the table: attenuation, temperature, digital lines, fibre paddles.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "drivers/hal/clocks.hpp"
#include "drivers/hal/instruments.hpp"
#include "drivers/hal/motion.hpp"
#include "sim/devices/simulated.hpp"

namespace nicol::sim {

/// Safe means dark: safe_state goes to the highest attenuation.
class VariableAttenuator final : public Simulated<hal::VariableAttenuator> {
 public:
  VariableAttenuator(std::string serial, hal::Range range);
  hal::Range range() const override { return range_; }
  Result<void> set_attenuation(Decibels attenuation) override;
  Result<Decibels> attenuation() override;
  void safe_state() noexcept override;
  double transmission() const;  // for the optics, a fraction

 private:
  const hal::Range range_;
};

struct TemperatureConfig {
  std::string serial = "temperature-0";
  Celsius ambient{21}, lowest{-60}, highest{90};
  Picoseconds time_constant = Picoseconds::seconds(5);
  double settled_within = 0.02;           // degrees
  std::optional<Celsius> set_point = {};  // as it was left set; none: ambient
};

/// Approaches its set-point exponentially while enabled, ambient while not. Off after safe_state.
class TemperatureController final : public Simulated<hal::TemperatureController> {
 public:
  TemperatureController(const TemperatureConfig& config, const RigClock& clock);
  Result<void> set_temperature(Celsius temperature) override;
  Result<Celsius> temperature() override;
  Result<bool> settled() override;
  Result<void> enable() override;
  Result<void> disable() override;
  Result<void> write_property(std::string_view key, const hal::Value& value) override;
  void safe_state() noexcept override { drive(Drive::off); }
  void replug() noexcept override;

 private:
  enum class Drive : std::uint8_t { off, on };
  void drive(Drive drive) noexcept;
  double goal() const;
  double now_at() const;
  const TemperatureConfig config_;
  const RigClock* clock_;
  std::mutex mutex_;  // guards everything below
  Drive drive_ = Drive::off;
  Picoseconds since_;
  double from_;
};

class DigitalIo final : public Simulated<hal::DigitalIo> {
 public:
  DigitalIo(std::string serial, std::size_t inputs, std::size_t outputs);
  std::size_t inputs() const noexcept override { return inputs_.size(); }
  std::size_t outputs() const noexcept override { return outputs_.size(); }
  Result<hal::Level> read(std::size_t input) override;
  Result<void> write(std::size_t output, hal::Level level) override;
  void safe_state() noexcept override;
  void unplug() noexcept override;

  void drive_input(std::size_t input, hal::Level level);  // what the world puts on a line
  hal::Level output(std::size_t output) const;            // what the world sees

 private:
  mutable std::mutex mutex_;  // guards both
  std::vector<hal::Level> inputs_, outputs_;
};

struct PaddleConfig {
  std::string serial = "paddles-0";
  std::size_t channels = 3;
  hal::Range range{0, 170, 0.1};
  double degrees_per_second = 60;
};

/// Three fibre paddles; settings are angles in degrees.
class PolarizationController final : public Simulated<hal::PolarizationController> {
 public:
  PolarizationController(const PaddleConfig& config, RigClock& clock);
  std::size_t channels() const noexcept override { return config_.channels; }
  hal::Range range(std::size_t) const override { return config_.range; }
  std::string_view units() const noexcept override { return "deg"; }
  Result<hal::Motion> set(std::size_t channel, double value) override;
  Result<double> get(std::size_t channel) override;
  void safe_state() noexcept override {}
  double value_at(std::size_t channel, Picoseconds t) const;  // for the optics

 private:
  struct Paddle {
    double from = 0, to = 0;
    Picoseconds start, end;
  };
  Result<void> refusal(std::size_t channel) const;
  static double at(const Paddle& paddle, Picoseconds t);
  const PaddleConfig config_;
  RigClock* clock_;
  mutable std::mutex mutex_;  // guards paddles_
  std::vector<Paddle> paddles_;
};

}  // namespace nicol::sim
