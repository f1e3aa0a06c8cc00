// SPDX-License-Identifier: Apache-2.0
// The random bytes in front of the data: writing before the start of a key changes them, and its wipe notices.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <span>

namespace nicol::secret::detail {

/// At least this much slack stands before the data, so that no under-run of a byte or a word stays unseen.
constexpr std::size_t canary_size = 32;

/// One pattern a region. The byte at an offset depends on the offset alone, so slack may grow.
class Canary {
 public:
  std::span<std::byte> random_bytes() noexcept { return pattern_; }
  void write(std::byte* inner, std::size_t begin, std::size_t end) const noexcept {
    for (; begin < end && begin % canary_size != 0; ++begin) inner[begin] = pattern_[begin % canary_size];
    for (; begin + canary_size <= end; begin += canary_size) std::memcpy(inner + begin, pattern_.data(), canary_size);
    for (; begin < end; ++begin) inner[begin] = pattern_[begin % canary_size];
  }
  bool intact(const std::byte* inner, std::size_t end) const noexcept {
    std::size_t i = 0;
    for (; i + canary_size <= end; i += canary_size)
      if (std::memcmp(inner + i, pattern_.data(), canary_size) != 0) return false;
    return std::memcmp(inner + i, pattern_.data(), end - i) == 0;
  }

 private:
  std::array<std::byte, canary_size> pattern_{};
};

}  // namespace nicol::secret::detail
