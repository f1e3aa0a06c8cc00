// SPDX-License-Identifier: Apache-2.0
// The HAL face of a CQT FX2 timestamp card: four inputs, 125 ps ticks, one comparator level for all.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "drivers/cqt-fx2/card.hpp"
#include "drivers/cqt-fx2/run.hpp"

namespace nicol::cqt_fx2 {

struct TaggerOptions {
  std::string serial;  // empty: the only one
  Levels levels;
  PhaseTable phases;
  transport::WireLog* log = nullptr;
  std::size_t ring = std::size_t{1} << 16;                            // tags between the USB thread and acquire()
  std::size_t transfers = 8, transfer_bytes = std::size_t{16} << 10;  // in flight
};

class Tagger final : public hal::TimeTagger {
 public:
  /// Whatever opening the device says; timeout when it does not answer as the card does.
  static Result<std::unique_ptr<Tagger>> open(transport::UsbContext& context, TaggerOptions options);
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
  /// The level is common to all inputs and known in converter units only: a config that differs is refused
  /// (not_supported; the property "threshold_dac" changes it). Enabling and delays are done here, from the next
  /// start().
  Result<void> set_channel(std::size_t channel, const hal::ChannelConfig& config) override;
  Result<hal::ChannelConfig> channel(std::size_t channel) const override;
  /// busy while running.
  Result<void> start() override;
  Result<void> stop() override;
  hal::StreamStatus acquire(hal::TagBlock& block, Deadline deadline) noexcept override;
  /// While running only: the card has no counters of its own.
  Result<std::vector<double>> count_rates() override;

 private:
  struct Settings {
    Levels levels;
    tags::InputConfigs channels{};
  };
  Tagger(TaggerOptions options, std::unique_ptr<tags::TagQueue> queue);
  void on_link(hal::Link link);
  void on_data(std::span<const std::uint8_t> bytes);
  void on_end(const Error& why);
  void mind(const std::stop_token& stop);
  void mind_once();
  void ask_and_confirm();
  void restart();
  Result<void> begin_stream();
  void wait_for_silence();
  bool running() const;
  Levels levels() const;
  void change(Levels& levels, std::string_view key, const hal::Value& value) const;
  Result<void> check_channel(std::size_t channel) const;
  Error error(Code code, std::string message) const;

  const TaggerOptions options_;
  std::string serial_, model_;  // set before open() returns
  std::unique_ptr<tags::TagQueue> queue_;
  std::atomic<hal::Link> link_{hal::Link::connected};

  std::mutex control_mutex_;  // one start, stop or question at a time; taken first; guards stream_
  mutable std::mutex mutex_;  // guards all below but card_; never held while a transfer is waited for
  std::condition_variable_any changed_;
  Run run_;
  Settings settings_;
  SteadyTime answered_, heard_, restarted_;

  std::unique_ptr<Card> card_;
  std::unique_ptr<transport::UsbDevice::Stream> stream_;  // goes before the card
  std::jthread minder_;
};

}  // namespace nicol::cqt_fx2
