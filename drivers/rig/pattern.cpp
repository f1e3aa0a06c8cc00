// SPDX-License-Identifier: Apache-2.0
#include "drivers/rig/pattern.hpp"

#include <algorithm>

#include "firmware-protocol/message.hpp"

namespace nicol::rig {
namespace {

constexpr std::size_t kRun = 32;  // slots that become eight bytes at once

/// Bit k of x to bit 2k.
constexpr std::uint64_t spread(std::uint32_t x) noexcept {
  std::uint64_t v = x;
  v = (v | v << 16) & 0x0000FFFF0000FFFF;
  v = (v | v << 8) & 0x00FF00FF00FF00FF;
  v = (v | v << 4) & 0x0F0F0F0F0F0F0F0F;
  v = (v | v << 2) & 0x3333333333333333;
  return (v | v << 1) & 0x5555555555555555;
}

/// The 32 bits from bit `at` on; zeros past the end.
std::uint32_t bits_from(std::span<const std::uint64_t> words, std::size_t at) noexcept {
  const std::size_t word = at / 64, shift = at % 64;
  if (word >= words.size()) return 0;
  std::uint64_t bits = words[word] >> shift;
  if (shift > 32 && word + 1 < words.size()) bits |= words[word + 1] << (64 - shift);
  return static_cast<std::uint32_t>(bits);
}

}  // namespace

void pack_slots(std::span<const std::uint64_t> low, std::span<const std::uint64_t> high, std::size_t first,
                std::size_t slots, std::span<std::uint8_t> out) noexcept {
  std::uint8_t* to = out.data();
  for (std::size_t k = 0; k < slots; k += kRun) {
    std::uint64_t pairs = spread(bits_from(low, first + k)) | spread(bits_from(high, first + k)) << 1;
    const std::size_t n = std::min(kRun, slots - k);
    if (n < kRun) pairs &= (std::uint64_t{1} << (2 * n)) - 1;
    for (std::size_t byte = 0; byte < fw::packed_bytes(n); ++byte) *to++ = static_cast<std::uint8_t>(pairs >> 8 * byte);
  }
}

std::size_t slots_of_a_frame(std::size_t slots, std::size_t most, std::size_t fields) noexcept {
  const std::size_t n = std::min(slots, most);
  const auto frame = [fields](std::size_t k) {
    return fw::kHeaderBytes + fw::PatternChunk::kFixedBytes + fields * fw::packed_bytes(k) + fw::kTrailerBytes;
  };
  return frame(n) % 64 == 0 ? n - 4 : n;
}

}  // namespace nicol::rig
