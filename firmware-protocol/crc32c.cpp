// SPDX-License-Identifier: Apache-2.0
// CRC-32C in portable ways: bit by bit as it is defined, and by eight tables at once (Kounavis and Berry, "A Systematic
// Approach to Building High Performance Software-Based CRC Generators", ISCC 2005).
#include <array>

#include "firmware-protocol/crc.hpp"
#include "firmware-protocol/little_endian.hpp"

namespace nicol::fw {
namespace {

constexpr std::uint32_t kReflectedPolynomial = 0x82F63B78;

constexpr std::uint32_t after_eight_bits(std::uint32_t crc) {
  for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? kReflectedPolynomial : 0U);
  return crc;
}

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

/// tables[k][b]: what byte b does to the CRC once k further bytes have passed.
consteval Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = after_eight_bits(byte);
    for (auto& table : tables) {
      table[byte] = crc;
      crc = after_eight_bits(crc);
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

std::uint32_t eight_bytes(std::uint32_t crc, const std::uint8_t* from) noexcept {
  const std::uint32_t low = crc ^ get_le<std::uint32_t>(from), high = get_le<std::uint32_t>(from + 4);
  return kTables[7][low & 255] ^ kTables[6][(low >> 8) & 255] ^ kTables[5][(low >> 16) & 255] ^ kTables[4][low >> 24] ^
         kTables[3][high & 255] ^ kTables[2][(high >> 8) & 255] ^ kTables[1][(high >> 16) & 255] ^
         kTables[0][high >> 24];
}

}  // namespace

std::uint32_t crc32c_bitwise(std::span<const std::uint8_t> bytes, std::uint32_t before) noexcept {
  std::uint32_t crc = ~before;
  for (const std::uint8_t byte : bytes) crc = after_eight_bits(crc ^ byte);
  return ~crc;
}

std::uint32_t crc32c_table(std::span<const std::uint8_t> bytes, std::uint32_t before) noexcept {
  std::uint32_t crc = ~before;
  while (bytes.size() >= 8) {
    crc = eight_bytes(crc, bytes.data());
    bytes = bytes.subspan(8);
  }
  for (const std::uint8_t byte : bytes) crc = (crc >> 8) ^ kTables[0][(crc ^ byte) & 255];
  return ~crc;
}

std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t before) noexcept {
  return has_crc32c_instruction() ? crc32c_instruction(bytes, before) : crc32c_table(bytes, before);
}

}  // namespace nicol::fw
