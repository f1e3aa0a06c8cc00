// SPDX-License-Identifier: Apache-2.0
// TAG_BLOCKs into a TagQueue: each block is told when the next one says how far it reaches, and what is missing
// between two becomes a LossInterval with the exact bounds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "drivers/tags/tag_queue.hpp"
#include "firmware-protocol/tag_block.hpp"

namespace nicol::tagger_bridge {

/// Not thread-safe. Total: any payload.
class BlockReader {
 public:
  static Result<BlockReader> create(tags::TagQueue& queue);

  /// A stream whose tick 0 is this tick of the queue.
  void begin(std::int64_t origin);
  /// False when the payload cannot belong to this stream: the peer is broken.
  bool take(std::span<const std::uint8_t> payload);
  bool ended() const { return ended_; }
  std::span<const std::uint64_t, fw::kWordChannels> counts() const { return counts_; }

 private:
  BlockReader(tags::TagQueue& queue, transport::PrivateBuffer kept) : queue_(&queue), kept_(std::move(kept)) {}
  void tell_kept(std::uint64_t end, std::uint64_t latest);
  bool fits(std::uint64_t end) const;
  void push_words();
  void keep(const fw::TagBlockHeader& header, std::span<const std::uint8_t> payload);
  std::int64_t tick(std::uint64_t t) const { return origin_ + static_cast<std::int64_t>(t); }
  std::span<const std::uint8_t> kept_payload() const { return kept_.bytes().first(kept_size_); }

  tags::TagQueue* queue_;
  transport::PrivateBuffer kept_;
  std::size_t kept_size_ = 0;
  std::optional<fw::TagBlockHeader> header_;  // of the block kept
  std::int64_t origin_ = 0;
  std::uint64_t last_tick_ = 0, next_index_ = 0;
  bool ended_ = false;
  std::array<std::uint64_t, fw::kWordChannels> counts_{};
};

}  // namespace nicol::tagger_bridge
