// SPDX-License-Identifier: Apache-2.0
// CRC-16/CCITT-FALSE for headers, CRC-32C for whole frames: by table everywhere, by instruction where there is one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nicol::fw {

/// CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF, not reflected, no final XOR. "123456789" gives 0x29B1.
std::uint16_t crc16(std::span<const std::uint8_t> bytes) noexcept;

/// CRC-32C (Castagnoli), reflected, start and final XOR all ones. "123456789" gives 0xE3069283. Continues from the
/// CRC of what came before. The fastest way this processor has; the three ways below are equal, and tested to be.
std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t before = 0) noexcept;

std::uint32_t crc32c_bitwise(std::span<const std::uint8_t> bytes, std::uint32_t before = 0) noexcept;
std::uint32_t crc32c_table(std::span<const std::uint8_t> bytes, std::uint32_t before = 0) noexcept;
/// False where the processor has no CRC-32C instruction; then the third must not be called.
bool has_crc32c_instruction() noexcept;
std::uint32_t crc32c_instruction(std::span<const std::uint8_t> bytes, std::uint32_t before = 0) noexcept;

}  // namespace nicol::fw
