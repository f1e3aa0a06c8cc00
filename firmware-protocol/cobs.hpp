// SPDX-License-Identifier: Apache-2.0
// Consistent overhead byte stuffing (Cheshire and Baker, IEEE/ACM ToN 7(2), 1999): no zero byte inside, one between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nicol::fw {

/// Most bytes that cobs_encode writes for n; the 0x00 delimiter is not counted.
constexpr std::size_t cobs_bound(std::size_t n) noexcept { return n + n / 254 + 1; }
/// Bytes written; 0 when `out` is too small.
std::size_t cobs_encode(std::span<const std::uint8_t> in, std::span<std::uint8_t> out) noexcept;
/// Bytes written for the block without its delimiter; 0 when it is no COBS block or does not fit. Total: any input.
/// `out` may be the same memory as `in`.
std::size_t cobs_decode(std::span<const std::uint8_t> in, std::span<std::uint8_t> out) noexcept;

}  // namespace nicol::fw
