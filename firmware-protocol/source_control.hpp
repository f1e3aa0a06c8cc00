// SPDX-License-Identifier: Apache-2.0
// The pattern on its way to the player: order of the chunks, room in the queue, beginning, pausing and going on.
#pragma once

#include <cstdint>
#include <optional>

#include "firmware-protocol/board.hpp"
#include "firmware-protocol/safety.hpp"

namespace nicol::fw {

class SourceControl {
 public:
  static constexpr std::uint32_t kStatusMs = 10;

  explicit SourceControl(Board& board) noexcept : board_(&board) {}
  Refused configure(const SourceConfig& config) noexcept;
  Refused queue(const PatternChunk& chunk) noexcept;
  Refused run(const SourceRun& run, Emission emission) noexcept;
  void end() noexcept;
  /// A status that is due: the player changed its state, or chunks were consumed.
  std::optional<SourceStatus> poll(std::uint64_t now_ms) noexcept;

 private:
  bool has_source() const noexcept { return board_->description().source.max_slot_ps != 0; }

  Board* board_;
  std::optional<SourceConfig> config_;
  SourceRun run_{};
  std::uint64_t queue_begin_ = 0, queue_end_ = 0;  // slots given to the board since the queue was last empty
  SourceStatus told_{};
  std::uint64_t told_ms_ = 0;
};

}  // namespace nicol::fw
