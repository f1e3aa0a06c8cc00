// SPDX-License-Identifier: Apache-2.0
// A tagger that plays what a test writes, and can be told to break the stream contract in one named way.
#pragma once

#include <memory>
#include <vector>

#include "drivers/hal/time_tagger.hpp"
#include "sim/devices/simulated.hpp"

namespace nicol::hal_contract {

enum class Breakage : std::uint8_t {
  none,
  unsorted,
  gap_between_blocks,
  tag_outside_block,
  sequence_repeats,
  index_jumps,
  index_goes_back,
  late_overflow,
  overflow_without_loss,
  understated_loss,
  timeout_with_tags,
  allocates,
  writes_past_storage
};

class ScriptedTagger final : public sim::Simulated<hal::TimeTagger> {
 public:
  static constexpr std::size_t kChannels = 4, kDepth = 8192;
  explicit ScriptedTagger(Breakage breakage);

  hal::TaggerCaps caps() const override;
  Result<void> set_channel(std::size_t channel, const hal::ChannelConfig& config) override;
  Result<hal::ChannelConfig> channel(std::size_t channel) const override;
  Result<void> start() override;
  Result<void> stop() override;
  hal::StreamStatus acquire(hal::TagBlock& block, Deadline deadline) noexcept override;
  Result<std::vector<double>> count_rates() override;
  void safe_state() noexcept override {}
  void replug() noexcept override;

  void make_tags(std::size_t count);  // ten ticks apart; those that do not fit are lost

 private:
  struct Entry {
    hal::TimeTag tag;
    hal::LossInterval loss;
    bool is_loss = false;
  };
  void take(hal::TagBlock& block) noexcept;
  void spoil(hal::TagBlock& block) noexcept;
  std::int64_t next_time() const noexcept;

  const Breakage breakage_;
  std::vector<hal::ChannelConfig> channels_;
  std::vector<Entry> fifo_;
  std::size_t head_ = 0;
  std::int64_t now_ = 0, given_until_ = 0;
  std::uint64_t index_ = 0, sequence_ = 0;
  bool running_ = false;
  std::vector<std::unique_ptr<int>> hoard_;
};

}  // namespace nicol::hal_contract
