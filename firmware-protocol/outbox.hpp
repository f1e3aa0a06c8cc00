// SPDX-License-Identifier: Apache-2.0
// Encoded control frames that wait for the host to fetch them. When it is full, what comes is dropped and counted: the
// host asks again, and answers are remembered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "firmware-protocol/frame.hpp"

namespace nicol::fw {

class Outbox {
 public:
  explicit Outbox(Framing framing) noexcept : framing_(framing) {}
  /// False when there is no room.
  bool push(const Header& header, std::span<const std::uint8_t> payload) noexcept;
  /// What is left of the oldest frame; never of two, so that each ends its own USB transfer.
  std::span<const std::uint8_t> pending() const noexcept;
  void fetched(std::size_t bytes) noexcept;
  void clear() noexcept { size_ = begin_ = left_ = 0; }
  std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  void compact() noexcept;
  Framing framing_;
  std::array<std::uint8_t, 4096> bytes_{};  // records {length u16, frame}
  std::size_t size_ = 0, begin_ = 0;        // end of the records; begin of what is left of the oldest frame
  std::size_t left_ = 0;                    // of the oldest frame; 0: its length stands at begin_
  std::uint64_t dropped_ = 0;
};

}  // namespace nicol::fw
