// SPDX-License-Identifier: Apache-2.0
// Tags and losses as a vendor's library tells them, into TAG_BLOCK payloads. No socket, no thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>

#include "firmware-protocol/frame.hpp"
#include "firmware-protocol/tag_block.hpp"

namespace nicol::bridge {

class BlockStream {
 public:
  /// Takes each finished payload.
  using Sink = std::function<void(std::span<const std::uint8_t>)>;

  /// Tick 0 is `origin`.
  void begin(std::int64_t origin, Sink sink);
  /// False for a channel above 11 or a time before the last one: nothing is kept then.
  bool tag(unsigned channel, std::int64_t at);
  /// Everything before `at` has been told. A time mark goes out.
  void complete(std::int64_t at);
  /// Tags from here on are not complete: those that come are counted as lost.
  void overflow_begin(std::int64_t at);
  void missed(std::uint64_t events) { lost_ += events; }
  void overflow_end(std::int64_t at);
  /// The last, empty block: the stream is complete up to `at`.
  void end(std::int64_t at);
  bool overflowing() const { return overflowing_; }

 private:
  void open(std::uint64_t base);
  void close(std::uint16_t flags);
  std::uint64_t tick(std::int64_t at) const;

  std::array<std::uint8_t, fw::kStreamPayload> payload_{};
  fw::TagBlockWriter writer_{payload_};
  Sink sink_;
  std::int64_t origin_ = 0;
  std::uint64_t base_ = 0, last_ = 0, index_ = 0, lost_ = 0, tags_ = 0;
  std::uint32_t seq_ = 0;
  bool overflowing_ = false;
};

}  // namespace nicol::bridge
