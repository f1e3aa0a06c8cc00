// SPDX-License-Identifier: Apache-2.0
// A Thorlabs PM100D as the HAL's power meter.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "drivers/hal/instruments.hpp"
#include "drivers/pm100/commands.hpp"
#include "drivers/scpi/instrument.hpp"

namespace nicol::pm100 {

struct Timing {
  scpi::Timing exchange{std::chrono::milliseconds(1000), std::chrono::milliseconds(3000)};  // it averages
  std::chrono::milliseconds look{50};  // between two looks at a zero adjustment
};

/// Thread-safe.
class Meter final : public hal::PowerMeter {
 public:
  static Result<std::unique_ptr<Meter>> open(const scpi::Instrument::Connect& connect, const Timing& timing);
  ~Meter() override;

  hal::DeviceInfo info() const override;
  hal::Link link() const noexcept override { return instrument_->link(); }
  std::span<const hal::ArgInfo> properties() const override { return properties_; }
  Result<hal::Value> read_property(std::string_view key) override;
  Result<void> write_property(std::string_view key, const hal::Value& value) override;
  Result<std::vector<hal::SelfTestItem>> self_test(Deadline deadline) override;
  void safe_state() noexcept override {}  // it only looks

  Result<Watts> power() override;
  Result<void> set_wavelength(Nanometres wavelength) override;
  /// The sensor must be covered: what it sees now is zero from now on. timeout leaves the adjustment running.
  Result<void> zero(Deadline deadline) override;

 private:
  Meter(const Timing& timing, std::unique_ptr<scpi::Instrument> instrument);
  Result<void> read_settings();
  Result<void> ready();
  Result<void> write(const Setting& setting, double value);
  Error error(Code code, std::string message) const;

  const Timing timing_;
  const std::unique_ptr<scpi::Instrument> instrument_;
  std::vector<hal::ArgInfo> properties_;  // fixed once opened
  std::mutex mutex_;                      // guards wanted_ and generation_
  hal::State wanted_;
  std::uint64_t generation_ = 0;
};

}  // namespace nicol::pm100
