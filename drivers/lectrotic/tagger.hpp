// SPDX-License-Identifier: Apache-2.0
// The HAL face of a LectroTIC-4: four inputs, 4 ns ticks, an edge and a divider for each.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "drivers/lectrotic/run.hpp"
#include "drivers/transport/mailbox.hpp"
#include "drivers/transport/serial_bus.hpp"

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
  ~Tagger() override;

  hal::DeviceInfo info() const override;
  hal::Link link() const noexcept override { return link_; }
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
  Tagger(TaggerOptions options, std::unique_ptr<tags::TagQueue> queue);
  Result<void> identify();
  Result<void> empty_error_queue();
  void on_bytes(std::span<const std::uint8_t> bytes);
  void on_link(hal::Link link);
  void text(std::span<const std::uint8_t> bytes);
  void mind(const std::stop_token& stop);
  void mind_once();
  Result<void> send(std::string_view text);
  Result<std::string> ask(std::string_view text, std::function<bool(const std::string&)> wanted, Deadline deadline);
  Result<void> apply_settings();
  Result<void> verdict() const;
  bool running() const;
  Inputs inputs() const;
  Software software() const;
  Result<void> check_channel(std::size_t channel) const;
  Error error(Code code, std::string message) const;

  const TaggerOptions options_;
  std::string serial_, firmware_;  // set before open() returns
  std::unique_ptr<tags::TagQueue> queue_;
  std::atomic<hal::Link> link_{hal::Link::connected};
  transport::Mailbox<std::string> replies_;

  std::mutex control_mutex_;  // one start, stop or question at a time; taken first
  std::mutex sending_mutex_;  // what is decided is sent in the order of the decisions; taken second
  mutable std::mutex mutex_;  // guards all below but the bus; never held while writing
  std::condition_variable_any changed_;
  Run run_;
  std::array<hal::ChannelConfig, kChannels> channels_{};
  std::array<std::int64_t, kChannels> dividers_{1, 1, 1, 1};
  std::string line_;
  bool restore_ = false;  // came back from an unplug

  std::unique_ptr<transport::SerialBus> bus_;
  std::jthread minder_;
};

}  // namespace nicol::lectrotic
