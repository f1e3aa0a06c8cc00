// SPDX-License-Identifier: Apache-2.0
// TAG_BLOCKs into the ring between board and acquire(): tags in order, and each loss exactly, whatever was dropped,
// doubled, reordered or damaged on the way. No transport, no clock, nothing allocated.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "drivers/tags/tag_queue.hpp"
#include "firmware-protocol/tag_block.hpp"
#include "firmware-protocol/tag_words.hpp"

namespace nicol::rig {

struct StreamCounts {
  std::uint64_t blocks = 0, tags = 0;
  std::uint64_t lost = 0;          // events, in the device and on the way
  std::uint64_t lost_blocks = 0;   // on the way
  std::uint64_t stale_blocks = 0;  // came twice or too late: ignored
  std::uint64_t bad_blocks = 0;    // good frames with a payload that makes no sense: ignored
};

/// One stream, from STREAM_START to STREAM_END. One thread at a time.
class TagBlockStream {
 public:
  explicit TagBlockStream(tags::TagQueue& queue) noexcept : queue_(&queue) {}
  void begin();
  /// The payload of a good frame.
  void block(std::span<const std::uint8_t> payload);
  /// Something came that was no frame: what is found missing next was damaged.
  void damaged() noexcept { damaged_ = true; }
  /// STREAM_END came, or a tick no stream may reach: acquire() will say so.
  bool ended() const noexcept { return ended_; }
  const StreamCounts& counts() const noexcept { return counts_; }

  /// Ticks from 2^62 on are refused: a stream is started anew before.
  static constexpr std::uint64_t kTickLimit = std::uint64_t{1} << 62;

 private:
  bool acceptable(const fw::TagBlockHeader& header);
  void explain_gap(const fw::TagBlockHeader& header);
  void take_words(const fw::TagBlockHeader& header, std::span<const std::uint8_t> payload);
  void take(const fw::TagWord& word);
  void close_loss(std::int64_t end);
  void lose(std::int64_t begin, std::int64_t end, std::uint64_t events, hal::LossCause cause);
  void flush();

  tags::TagQueue* queue_;
  std::uint32_t next_seq_ = 0;
  std::uint64_t next_index_ = 0;
  std::int64_t at_ = 0;       // of the last tag, or of its block's base where that had none
  std::uint64_t missed_ = 0;  // since the last tag, said by the device
  std::int64_t missed_from_ = 0;
  bool damaged_ = false, ended_ = false;
  StreamCounts counts_;
  std::array<hal::TimeTag, 512> batch_{};
  std::size_t batched_ = 0;
};

}  // namespace nicol::rig
