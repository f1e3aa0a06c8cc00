// SPDX-License-Identifier: Apache-2.0
// The HAL face of a LectroTIC-4: four inputs, 4 ns ticks, an edge and a divider for each.
#pragma once

#include <array>
#include <memory>

#include "drivers/lectrotic/run.hpp"
#include "drivers/tags/serial_session.hpp"

namespace nicol::lectrotic {

struct TaggerOptions {
  transport::SerialAddress where;
  transport::WireLog* log = nullptr;
  std::size_t ring = std::size_t{1} << 16;  // tags between the bus thread and acquire()
};

class Tagger final : public hal::TimeTagger {
 public:
  /// not_found when the port is no LectroTIC-4; whatever opening the port says.
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
  /// A threshold or a dead time is refused (not_supported): the device has none. Enabling and delays are done here.
  /// Everything takes effect with the next start().
  Result<void> set_channel(std::size_t channel, const hal::ChannelConfig& config) override;
  Result<hal::ChannelConfig> channel(std::size_t channel) const override;
  /// busy while running; hardware_fault once the 10 MHz reference has failed.
  Result<void> start() override;
  /// `overflow` when the device told of a buffer that ran over after tags of that time were given; hardware_fault when
  /// its 10 MHz reference failed. What came in the last half second is not confirmed, and not given.
  Result<void> stop() override;
  hal::StreamStatus acquire(hal::TagBlock& block, Deadline deadline) noexcept override;
  /// From the stream: refused while stopped.
  Result<std::vector<double>> count_rates() override;

 private:
  struct State {
    Run run;
    tags::InputConfigs channels{};
    std::array<std::int64_t, kChannels> dividers{1, 1, 1, 1};
  };
  using Session = tags::SerialSession<State>;
  explicit Tagger(TaggerOptions options) : options_(std::move(options)) {}
  Session::Options session_options() const;
  static Inputs inputs(const State& state);
  Result<void> identify();
  Result<void> empty_error_queue();
  Result<void> apply_settings();
  Result<void> verdict(const Run& run) const;
  Result<void> check_channel(std::size_t channel) const;
  Error error(Code code, std::string message) const { return session_->error(code, std::move(message)); }

  const TaggerOptions options_;
  std::string serial_, firmware_;  // set before open() returns
  std::unique_ptr<Session> session_;
};

}  // namespace nicol::lectrotic
