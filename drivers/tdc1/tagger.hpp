// SPDX-License-Identifier: Apache-2.0
// The HAL face of a TDC1: four inputs, 2 ns ticks, one comparator level for all.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "drivers/tdc1/run.hpp"
#include "drivers/transport/mailbox.hpp"
#include "drivers/transport/serial_bus.hpp"

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
    std::array<hal::ChannelConfig, kChannels> channels{};
  };
  Tagger(TaggerOptions options, std::unique_ptr<tags::TagQueue> queue);
  Result<void> identify();
  void on_bytes(std::span<const std::uint8_t> bytes);
  void on_link(hal::Link link);
  void text(std::span<const std::uint8_t> bytes);
  void mind(const std::stop_token& stop);
  void mind_once();
  Result<void> send(std::string_view command);
  Result<std::string> ask(std::string_view command, std::function<bool(const std::string&)> wanted, Deadline deadline);
  Result<void> apply_settings();
  bool running() const;
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
  Settings settings_;
  std::string line_;
  bool restore_ = false;  // came back from an unplug

  std::unique_ptr<transport::SerialBus> bus_;
  std::jthread minder_;
};

}  // namespace nicol::tdc1
