// SPDX-License-Identifier: Apache-2.0
// The HAL face of a TDC1: four inputs, 2 ns ticks, one comparator level for all.
#pragma once

#include <memory>

#include "drivers/tags/serial_session.hpp"
#include "drivers/tdc1/run.hpp"

namespace nicol::tdc1 {

struct TaggerOptions {
  transport::SerialAddress where;
  InputLevel level;
  ReferenceClock clock = ReferenceClock::automatic;
  OverflowWatch watch = OverflowWatch::in_stream;
  Terminator terminator = Terminator::once;
  transport::WireLog* log = nullptr;
  std::size_t ring = std::size_t{1} << 16;  // tags between the bus thread and acquire()
};

class Tagger final : public hal::TimeTagger {
 public:
  /// not_found when the port is no TDC1; whatever opening the port says.
  static Result<std::unique_ptr<Tagger>> open(TaggerOptions options);

  hal::DeviceInfo info() const override;
  hal::Link link() const noexcept override { return session_->link(); }
  std::span<const hal::ArgInfo> properties() const override;
  Result<hal::Value> read_property(std::string_view key) override;
  Result<void> write_property(std::string_view key, const hal::Value& value) override;
  Result<std::vector<hal::SelfTestItem>> self_test(Deadline deadline) override;
  /// A tagger emits nothing and moves nothing: it is safe already.
  void safe_state() noexcept override {}

  hal::TaggerCaps caps() const override;
  /// The level and its edge are common to all inputs: a config that differs is refused (not_supported; the property
  /// "threshold" changes it for all). Enabling and delays are done here, from the next start() on.
  Result<void> set_channel(std::size_t channel, const hal::ChannelConfig& config) override;
  Result<hal::ChannelConfig> channel(std::size_t channel) const override;
  /// busy while running.
  Result<void> start() override;
  /// `overflow` when the device could not be asked during the run and says now that its FIFO ran over.
  Result<void> stop() override;
  hal::StreamStatus acquire(hal::TagBlock& block, Deadline deadline) noexcept override;
  /// Running: from the stream. Stopped: the device counts for a tenth of a second.
  Result<std::vector<double>> count_rates() override;

 private:
  struct Settings {
    InputLevel level;
    ReferenceClock clock = ReferenceClock::automatic;
    OverflowWatch watch = OverflowWatch::in_stream;
    tags::InputConfigs channels{};
  };
  struct State {
    Run run;
    Settings settings;
  };
  using Session = tags::SerialSession<State>;
  explicit Tagger(TaggerOptions options) : options_(std::move(options)) {}
  Session::Options session_options() const;
  std::string next_command(State& state, tags::SteadyTime now) const;
  Result<void> identify();
  std::string line(std::string_view command) const { return tdc1::line(command, options_.terminator); }
  Result<std::string> ask(std::string_view command, Session::Wanted wanted, Deadline deadline);
  Result<void> apply_settings();
  Result<void> check_channel(std::size_t channel) const;
  Error error(Code code, std::string message) const { return session_->error(code, std::move(message)); }

  const TaggerOptions options_;
  std::string serial_, firmware_;  // set before open() returns
  std::unique_ptr<Session> session_;
};

}  // namespace nicol::tdc1
