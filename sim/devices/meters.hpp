// SPDX-License-Identifier: Apache-2.0
// Simulated meters: they show what a callback into the optics tells them.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "drivers/hal/clocks.hpp"
#include "drivers/hal/instruments.hpp"
#include "drivers/hal/random.hpp"
#include "sim/devices/simulated.hpp"

namespace nicol::sim {

struct PowerMeterConfig {
  std::string serial = "power-meter-0";
  Watts offset{1e-9};                                         // shown in the dark until zeroed
  double relative_noise = 0;                                  // half-width of a reading's uniform error
  StreamKey noise{0, NodeId::world, Purpose::sim_device, 0};  // index: one a meter, below 2^24
};

class PowerMeter final : public Simulated<hal::PowerMeter> {
 public:
  PowerMeter(const PowerMeterConfig& config, std::function<Watts()> power);
  Result<Watts> power() override;
  Result<void> set_wavelength(Nanometres wavelength) override;
  /// Takes the present reading as darkness, as real meters do: block the light first.
  Result<void> zero(Deadline deadline) override;
  void safe_state() noexcept override {}

 private:
  const PowerMeterConfig config_;
  const std::function<Watts()> power_;
  std::atomic<double> zero_{0};
  std::atomic<std::uint64_t> readings_{0};
};

class Counter final : public Simulated<hal::Counter> {
 public:
  /// `counts` gives events and coincidences of an interval of rig time.
  using Counts = std::function<std::vector<std::uint64_t>(Picoseconds begin, Picoseconds end)>;
  Counter(std::string serial, RigClock& clock, Counts counts);
  Result<std::vector<std::uint64_t>> count(Picoseconds integration, Deadline deadline) override;
  void safe_state() noexcept override {}

 private:
  RigClock* clock_;
  const Counts counts_;
};

}  // namespace nicol::sim
