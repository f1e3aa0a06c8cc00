// SPDX-License-Identifier: Apache-2.0
// Readings with an offset, a little noise, and the time they take.
#include "sim/devices/meters.hpp"

#include <chrono>
#include <utility>

#include "sim/devices/timed_motion.hpp"

namespace nicol::sim {
namespace {

constexpr const char* kWavelength = "wavelength";

bool passed(Deadline deadline) { return std::chrono::steady_clock::now() >= deadline.at; }

}  // namespace

PowerMeter::PowerMeter(const PowerMeterConfig& config, std::function<Watts()> power)
    : Simulated("simulated power meter", config.serial,
                {real_setting(kWavelength, "wavelength the responsivity is taken at", "nm", {400, 1700, 0}, 810)}),
      config_(config),
      power_(std::move(power)) {}

Result<Watts> PowerMeter::power() {
  if (!plugged()) return unplugged_error();
  CounterStream noise({config_.noise.seed, config_.noise.node, config_.noise.purpose,
                       config_.noise.index << 40 | readings_.fetch_add(1)});
  const double error = config_.relative_noise * (2 * noise.uniform() - 1);
  return Watts{power_().value * (1 + error) + config_.offset.value - zero_.load()};
}

Result<void> PowerMeter::set_wavelength(Nanometres wavelength) {
  return write_property(kWavelength, hal::Value{wavelength.value});
}

Result<void> PowerMeter::zero(Deadline deadline) {
  if (!plugged()) return unplugged_error();
  if (passed(deadline)) return error(Code::timeout, "no time left to zero");
  zero_ = power_().value + config_.offset.value;
  return {};
}

Counter::Counter(std::string serial, RigClock& clock, Counts counts)
    : Simulated("simulated coincidence counter", std::move(serial)), clock_(&clock), counts_(std::move(counts)) {}

Result<std::vector<std::uint64_t>> Counter::count(Picoseconds integration, Deadline deadline) {
  if (integration <= Picoseconds{}) return error(Code::out_of_range, "the integration time must be positive");
  const Picoseconds begin = clock_->now(), end = begin + integration;
  TimedMotion window(*clock_, end, [this]() -> Result<void> {
    if (!plugged()) return unplugged_error();
    return {};
  });
  if (auto ok = window.wait(deadline, {}); !ok) return std::move(ok).error();
  return counts_(begin, end);
}

}  // namespace nicol::sim
