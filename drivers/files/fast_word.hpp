// SPDX-License-Identifier: Apache-2.0
// The 32-bit word of the timestamp7 card's fast mode, in binary (readevents -f) and as 8 digits a line (-f -a0).
#pragma once

#include <cstdint>

#include "drivers/files/readevents.hpp"
#include "drivers/files/tag_file.hpp"

namespace nicol::files {

/// [31:6] time in 1/256 ns, [4] dummy, [3:0] pattern.
struct FastWord {
  static constexpr unsigned kTimeBits = 26;
  static constexpr std::int64_t kWrap = std::int64_t{1} << kTimeBits;  // 262.144 us
  std::uint32_t raw = 0;
  constexpr std::int64_t time() const { return raw >> 6; }
  constexpr bool late_half() const { return raw >> 31 != 0; }
  constexpr bool dummy() const { return (raw & 0x10) != 0; }
};

/// Each fall of the top bit is a wrap, as the card's own host program counts (readevents7.c).
class FastClock {
 public:
  FileEvent event(FastWord word) noexcept {
    if (late_half_ && !word.late_half()) high_ += FastWord::kWrap;
    late_half_ = word.late_half();
    return {high_ + word.time(), word.dummy() ? 0u : word.raw & 0xf,
            word.dummy() ? FileEvent::Kind::dummy : FileEvent::Kind::event};
  }

 private:
  std::int64_t high_ = 0;
  bool late_half_ = false;
};

}  // namespace nicol::files
