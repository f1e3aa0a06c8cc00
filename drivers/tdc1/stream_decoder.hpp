// SPDX-License-Identifier: Apache-2.0
// The TDC1's stream: little-endian words of 2 ns ticks without framing or checksum, in which a status reply may stand.
// A value: bytes in, items out; no port, no clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "drivers/tags/two_ns_word.hpp"

namespace nicol::tdc1 {

inline constexpr std::int64_t kWrapTicks = tags::kTwoNsWrap;
inline constexpr std::int64_t kLongestStep = tags::kTwoNsLongestStep;

struct StreamItem {
  enum class Kind : std::uint8_t {
    hits,       // `inputs` at `ticks`
    time_mark,  // a dummy: nothing came, and it is `ticks`
    status,     // the reply to status?, at a word boundary: no byte was lost before it
    corrupt     // what follows means nothing: start a new run
  };
  Kind kind = Kind::hits;
  std::int64_t ticks = 0;  // since the run began, 64 bits
  std::uint8_t inputs = 0;
  std::uint16_t status = 0;
  const char* why = "";  // corrupt
};

class StreamDecoder {
 public:
  /// Ticks count from `base` where the device's counter was zero.
  explicit StreamDecoder(std::int64_t base = 0) : base_(base) {}

  /// After status? was sent: a reply of seven characters ("0000 \r\n") may stand where a word begins.
  void expect_status() { ++expected_; }
  bool expects_status() const { return expected_ > 0; }
  void forget_status() { expected_ = 0; }

  /// The next item, taking bytes off the front; nullopt when more are needed. After `corrupt` always nullopt.
  std::optional<StreamItem> next(std::span<const std::uint8_t>& bytes);

  std::int64_t last_ticks() const { return base_ + high_ + last_; }
  bool any_word() const { return begun_; }

 private:
  static constexpr std::size_t kWord = 4, kReply = 7;
  std::optional<StreamItem> status_reply();
  StreamItem word(tags::TwoNsWord w);
  StreamItem corrupt(const char* why);
  bool may_be_reply() const;
  void drop(std::size_t n);

  std::int64_t base_ = 0, high_ = 0, last_ = 0;
  std::array<std::uint8_t, kReply> kept_{};
  std::size_t used_ = 0;
  int expected_ = 0;
  bool begun_ = false, broken_ = false;
};

/// Finds a status reply at any place: what a run that is given up ends with.
class StatusSearch {
 public:
  /// Taking bytes off the front up to and with the reply.
  std::optional<std::uint16_t> next(std::span<const std::uint8_t>& bytes);

 private:
  std::array<std::uint8_t, 7> window_{};
  std::size_t used_ = 0;
};

}  // namespace nicol::tdc1
