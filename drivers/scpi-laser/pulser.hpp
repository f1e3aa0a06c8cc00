// SPDX-License-Identifier: Apache-2.0
// A pulse generator that triggers a laser, as a source: its triggers are the light.
#pragma once

#include <map>
#include <mutex>

#include "drivers/scpi-laser/pulser_table.hpp"
#include "drivers/scpi-laser/switched_source.hpp"

namespace nicol::scpi_laser {

/// Thread-safe. Not triggering when it is made, when its cable comes back, and when this object ends.
class Pulser final : public SwitchedSource<hal::PhotonSource> {
 public:
  struct Options {
    int channels = 4;
    std::string serial;  // empty: the one the instrument tells
    scpi::Timing timing;
  };
  static Result<std::unique_ptr<Pulser>> open(const scpi::Instrument::Connect& connect, const PulserTable& table,
                                              const Options& options);
  ~Pulser() override;

  hal::DeviceInfo info() const override;
  hal::Link link() const noexcept override { return instrument_->link(); }
  std::span<const hal::ArgInfo> properties() const override { return arg_infos_; }
  Result<hal::Value> read_property(std::string_view key) override;
  Result<void> write_property(std::string_view key, const hal::Value& value) override;
  Result<std::vector<hal::SelfTestItem>> self_test(Deadline deadline) override;

  hal::SourceCaps caps() const override;
  Result<hal::InterlockState> interlock() override;
  Result<void> arm(hal::ArmToken token) override;
  Result<void> enable_emission() override;

 private:
  Pulser(const PulserTable& table, const Options& options, std::unique_ptr<scpi::Instrument> instrument);
  LightSwitch& light() noexcept override { return light_; }
  const LightSwitch& light() const noexcept override { return light_; }
  Output output();
  Result<void> read_settings();
  Result<void> restore();
  Result<hal::Value> read(const PulserProperty& property);
  const PulserProperty* property(std::string_view key) const;

  const PulserTable& table_;
  const std::string serial_;
  const std::vector<PulserProperty> properties_;
  const std::vector<hal::ArgInfo> arg_infos_;
  const std::unique_ptr<scpi::Instrument> instrument_;
  mutable std::mutex wanted_mutex_;  // guards wanted_
  hal::State wanted_;
  LightSwitch light_;  // last: its thread uses the above
};

}  // namespace nicol::scpi_laser
