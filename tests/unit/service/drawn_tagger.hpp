// SPDX-License-Identifier: Apache-2.0
// A tagger that plays one side of drawn photon pairs, another draw at every start; and a shutter-less rig around it.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "drivers/hal/rig.hpp"
#include "sim/devices/simulated.hpp"
#include "tests/support/pair_stream.hpp"

namespace nicol::test {

enum class PairEnd : std::uint8_t { alice, bob };

class DrawnTagger final : public sim::Simulated<hal::TimeTagger> {
 public:
  DrawnTagger(PairSpec spec, PairEnd end) : Simulated("drawn", "tagger-1"), spec_(spec), end_(end) {}
  hal::TaggerCaps caps() const override { return {4, {1, 1}, {}, {}, {1e7}, 1 << 20, false}; }
  Result<void> set_channel(std::size_t, const hal::ChannelConfig&) override { return {}; }
  Result<hal::ChannelConfig> channel(std::size_t) const override { return hal::ChannelConfig{}; }
  /// The clocks run on between blocks.
  Result<void> start() override {
    PairSpec spec = spec_;
    spec.seed += runs_;
    const PairStreams drawn = draw_pairs(spec);
    const PairSide& mine = end_ == PairEnd::alice ? drawn.alice : drawn.bob;
    const double begin = static_cast<double>(runs_++) * (spec.seconds + 1) * 1e12;
    begin_ = static_cast<std::int64_t>(end_ == PairEnd::alice ? begin : begin * (1 + spec.frequency));
    tags_.clear();
    for (std::size_t k = 0; k < mine.ticks.size(); ++k)
      for (std::uint16_t d = 0; d < 4; ++d)
        if ((mine.patterns[k] >> d & 1) != 0) tags_.push_back({begin_ + mine.ticks[k], d, 0});
    at_ = 0;
    shown_ = begin_;
    return {};
  }
  Result<void> stop() override { return {}; }
  /// A millisecond at a time; nothing after the end.
  hal::StreamStatus acquire(hal::TagBlock& block, Deadline) noexcept override {
    block.t_begin = block.t_end = shown_;
    if (!plugged() || (unplugs_at >= 0 && shown_ - begin_ > unplugs_at)) return hal::StreamStatus::disconnected;
    if (hangs_at >= 0 && shown_ - begin_ > hangs_at) hang();
    const bool over = shown_ - begin_ > static_cast<std::int64_t>(spec_.seconds * 1e12);
    if (over && !goes_on) return hal::StreamStatus::timeout;
    block.t_end = shown_ += 1'000'000'000;
    for (; at_ < tags_.size() && tags_[at_].ticks < shown_ && block.tag_count < block.storage.size(); ++at_)
      block.storage[block.tag_count++] = tags_[at_];
    return hal::StreamStatus::ok;
  }
  Result<std::vector<double>> count_rates() override { return std::vector<double>(4); }
  void safe_state() noexcept override {}

  std::int64_t unplugs_at = -1;  // ps after a block's begin
  std::int64_t hangs_at = -1;    // its call does not come back from there on
  std::atomic<bool> hung = false, let_go = false;
  bool goes_on = false;  // without a photon after the end

 private:
  void hang() {
    hung = true;
    while (!let_go) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  PairSpec spec_;
  PairEnd end_;
  std::uint64_t runs_ = 0;
  std::vector<hal::TimeTag> tags_;
  std::size_t at_ = 0;
  std::int64_t begin_ = 0, shown_ = 0;
};

inline std::unique_ptr<hal::Rig> drawn_rig(const PairSpec& spec, PairEnd end) {
  auto rig = std::make_unique<hal::Rig>();
  rig->clock = make_virtual_rig_clock();
  rig->receiver = hal::ReceiverKind::passive;
  rig->model.simulated = true;
  rig->timing.slot_period = Picoseconds{1'000'000};
  rig->timing.blind_time = Picoseconds{60'000};
  for (std::uint16_t k = 0; k < 4; ++k)
    rig->timing.channels.push_back(
        {k, hal::ChannelRole::detector, static_cast<std::uint8_t>(k & 1), static_cast<std::uint8_t>(k >> 1), {}, {}});
  rig->add("tagger", "tagger", std::make_unique<DrawnTagger>(spec, end));
  return rig;
}

}  // namespace nicol::test
