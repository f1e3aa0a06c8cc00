// SPDX-License-Identifier: Apache-2.0
// Tags from the board's FIFO into blocks: closed when full, after 10 ms, or when the stream stops; what was lost is
// said at its place, also what was lost for want of credit.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "firmware-protocol/board.hpp"
#include "firmware-protocol/frame.hpp"
#include "firmware-protocol/tag_block.hpp"

namespace nicol::fw {

/// Memory for one block under construction and one on its way out.
struct StreamBuffers {
  std::array<std::uint8_t, kStreamPayload> payload{};
  std::array<std::uint8_t, kLargestFrame + kLargestFrame / 254 + 2> frame{};
};

class TagStreamer {
 public:
  static constexpr std::uint32_t kBlockMs = 10;

  TagStreamer(Board& board, StreamBuffers& buffers, Framing framing) noexcept;
  /// `mtu`: largest frame the host takes.
  void start(std::uint32_t credit, std::size_t mtu, std::uint64_t now_ms) noexcept;
  void credit(std::uint32_t blocks) noexcept { credit_ = blocks; }
  void stop(std::uint64_t now_ms) noexcept;
  /// At once and without a last block: the session is over.
  void abandon() noexcept;
  bool running() const noexcept { return running_; }

  void poll(std::uint64_t now_ms) noexcept;
  /// Bytes of the present frame that have not been fetched.
  std::span<const std::uint8_t> pending() const noexcept;
  bool midway() const noexcept { return fetched_ != 0; }
  void fetched(std::size_t bytes) noexcept;

 private:
  bool has_credit() const noexcept;
  void fill() noexcept;
  /// False when nothing more is to be had now, or fits.
  bool take_batch() noexcept;
  void say_lost(std::uint64_t events) noexcept;
  void discard_for_want_of_credit() noexcept;
  void close(std::uint16_t flags) noexcept;
  void begin_block(std::uint64_t first_index) noexcept;
  std::size_t room() const noexcept;

  Board* board_;
  StreamBuffers* buffers_;
  Framing framing_;
  TagBlockWriter writer_;
  bool running_ = false, stopping_ = false, full_ = false;
  std::size_t payload_bytes_ = kStreamPayload;
  std::uint32_t credit_ = 0, sent_ = 0, block_seq_ = 0;
  std::uint64_t complete_until_ = 0;
  std::uint64_t unsaid_ = 0;  // lost for want of credit, and not yet in a block
  std::uint64_t opened_ms_ = 0, now_ms_ = 0;
  std::size_t frame_size_ = 0, fetched_ = 0;
};

}  // namespace nicol::fw
