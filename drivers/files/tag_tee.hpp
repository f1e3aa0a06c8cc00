// SPDX-License-Identifier: Apache-2.0
// A time tagger whose tags are also written to a file while somebody reads them: what a run's raw tags are kept with.
#pragma once

#include <memory>
#include <vector>

#include "drivers/files/tag_tape.hpp"
#include "drivers/hal/rig.hpp"

namespace nicol::files {

/// Channels of the file in the order of the readevents cards for four detectors of a passive receiver (V, minus, H,
/// plus); any other rig's as they are.
std::vector<std::uint16_t> card_order(const hal::TimingLayout& timing);

/// All else is the inner tagger's. Tags of one tick become one event.
class TagTee final : public hal::TimeTagger {
 public:
  TagTee(std::unique_ptr<hal::TimeTagger> inner, TapeOptions options)
      : inner_(std::move(inner)), tape_(*inner_, std::move(options)) {}

  hal::DeviceInfo info() const override { return inner_->info(); }
  hal::Link link() const noexcept override { return inner_->link(); }
  std::span<const hal::ArgInfo> properties() const override { return inner_->properties(); }
  Result<hal::Value> read_property(std::string_view key) override { return inner_->read_property(key); }
  Result<void> write_property(std::string_view key, const hal::Value& value) override {
    return inner_->write_property(key, value);
  }
  Result<std::vector<hal::SelfTestItem>> self_test(Deadline deadline) override { return inner_->self_test(deadline); }
  Result<hal::State> save_state() override { return inner_->save_state(); }
  Result<void> restore_state(const hal::State& state) override { return inner_->restore_state(state); }
  void safe_state() noexcept override { inner_->safe_state(); }

  hal::TaggerCaps caps() const override { return inner_->caps(); }
  Result<void> set_channel(std::size_t channel, const hal::ChannelConfig& config) override {
    return inner_->set_channel(channel, config);
  }
  Result<hal::ChannelConfig> channel(std::size_t channel) const override { return inner_->channel(channel); }
  Result<void> start() override { return inner_->start(); }
  Result<void> stop() override { return inner_->stop(); }
  hal::StreamStatus acquire(hal::TagBlock& block, Deadline deadline) noexcept override;
  Result<std::vector<double>> count_rates() override { return inner_->count_rates(); }

 private:
  const std::unique_ptr<hal::TimeTagger> inner_;
  TagTape tape_;
};

}  // namespace nicol::files
