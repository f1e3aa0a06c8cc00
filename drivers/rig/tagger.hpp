// SPDX-License-Identifier: Apache-2.0
// The board's tagger: TAG_BLOCKs through TagBlockStream into the ring that acquire() empties.
#pragma once

#include <mutex>
#include <vector>

#include "drivers/hal/time_tagger.hpp"
#include "drivers/rig/face.hpp"
#include "drivers/rig/tag_block_stream.hpp"

namespace nicol::rig {

struct TaggerOptions {
  std::size_t ring = std::size_t{1} << 16;  // tags between the receiving thread and acquire(), 16 bytes each, locked
};

class RigTagger final : public Face<hal::TimeTagger> {
 public:
  static Result<std::unique_ptr<RigTagger>> make(Board& board, const TaggerOptions& options);
  ~RigTagger() override;

  hal::TaggerCaps caps() const override;
  Result<void> set_channel(std::size_t channel, const hal::ChannelConfig& config) override;
  Result<hal::ChannelConfig> channel(std::size_t channel) const override;
  /// busy while running.
  Result<void> start() override;
  Result<void> stop() override;
  hal::StreamStatus acquire(hal::TagBlock& block, Deadline deadline) noexcept override;
  /// In the board's own time, since the last call or the start.
  Result<std::vector<double>> count_rates() override;
  /// A tagger emits nothing and moves nothing: it is safe already.
  void safe_state() noexcept override {}

  Result<void> session_began() override;
  void session_lost() noexcept override;
  void beat() noexcept override;
  void tag_block(std::span<const std::uint8_t> payload) noexcept override;
  void damage() noexcept override;
  StreamCounts counts() const;

 private:
  enum class Run : std::uint8_t { stopped, starting, running, stopping };
  RigTagger(Board& board, std::unique_ptr<tags::TagQueue> queue);
  Result<void> read_channels();
  Result<void> check_channel(std::size_t channel) const;
  Result<std::uint64_t> now_ticks();
  Result<void> begin_run();
  void give_credit();
  std::uint64_t seen_blocks() const;

  const fw::TaggerInfo about_;
  std::unique_ptr<tags::TagQueue> queue_;

  std::mutex control_mutex_;  // one start, stop or question at a time; taken first
  std::vector<std::uint64_t> counted_;
  std::uint64_t counted_at_ = 0;

  mutable std::mutex mutex_;  // guards all below; the receiving thread takes it
  std::condition_variable changed_;
  TagBlockStream stream_;
  Run run_ = Run::stopped;
  std::uint64_t granted_ = 0, seen_at_beat_ = 0;  // blocks, of a serial line
  std::vector<fw::ChannelConfig> channels_;
};

}  // namespace nicol::rig
