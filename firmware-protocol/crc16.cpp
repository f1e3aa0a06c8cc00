// SPDX-License-Identifier: Apache-2.0
// CRC-16/CCITT-FALSE, a byte a step.
#include <array>

#include "firmware-protocol/crc.hpp"

namespace nicol::fw {
namespace {

constexpr std::uint16_t kPolynomial = 0x1021;

consteval std::array<std::uint16_t, 256> make_table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc & 0x8000U) != 0 ? kPolynomial : 0U);
    table[byte] = static_cast<std::uint16_t>(crc);
  }
  return table;
}

constexpr std::array<std::uint16_t, 256> kTable = make_table();

}  // namespace

std::uint16_t crc16(std::span<const std::uint8_t> bytes) noexcept {
  unsigned crc = 0xFFFF;
  for (const std::uint8_t byte : bytes) crc = ((crc << 8) & 0xFFFFU) ^ kTable[(crc >> 8) ^ byte];
  return static_cast<std::uint16_t>(crc);
}

}  // namespace nicol::fw
