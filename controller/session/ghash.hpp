// SPDX-License-Identifier: Apache-2.0
// The kernels of GHASH (NIST SP 800-38D): one state, three ways to multiply in GF(2^128), the same bits from each.
// Inside, field elements are byte-reversed and multiplied by x once (the POLYVAL form, RFC 8452 appendix A), so that a
// carry-less product reduces without a shift; powers and accumulator are kept in that form, low word first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "controller/session/wegman_carter.hpp"

namespace nicol::session::detail {

inline constexpr std::size_t kGhashPowers = 32;

/// Bytes only, so that it may lie anywhere in a locked page. power(k) is alpha^k, 1 <= k <= kGhashPowers.
struct GhashState {
  std::uint8_t powers[kGhashPowers][16];  // descending: alpha^32 first
  std::uint8_t accumulator[16];
  std::uint8_t partial[16];

  std::uint8_t* power(std::size_t k) { return powers[kGhashPowers - k]; }
  const std::uint8_t* power(std::size_t k) const { return powers[kGhashPowers - k]; }
};
static_assert(std::is_trivially_copyable_v<GhashState> && alignof(GhashState) == 1);

/// How many powers of alpha a kernel multiplies by before one reduction.
std::size_t powers_used(GhashKernel kernel) noexcept;
GhashKernel best_ghash_kernel() noexcept;

/// Sets alpha, its first `powers` powers and an empty accumulator.
void start(GhashState& state, std::span<const std::uint8_t, 16> alpha, std::size_t powers, GhashKernel kernel);
/// Absorbs the next bytes of a message of which `before` bytes were absorbed already. start() made all powers_used().
void absorb(GhashState& state, std::uint64_t before, std::span<const std::uint8_t> bytes, GhashKernel kernel);
/// Zero padding, the length block, and the bytes of the hash, left in state.accumulator.
void finish(GhashState& state, std::uint64_t bytes, GhashKernel kernel);

// One pair of functions a kernel. extend: powers 1..count from power 1. blocks: accumulator over whole blocks.
void extend_portable(GhashState& state, std::size_t count) noexcept;
void blocks_portable(GhashState& state, const std::uint8_t* data, std::size_t count) noexcept;
void extend_pclmul(GhashState& state, std::size_t count) noexcept;
void blocks_pclmul(GhashState& state, const std::uint8_t* data, std::size_t count) noexcept;
void extend_vpclmul(GhashState& state, std::size_t count) noexcept;
void blocks_vpclmul(GhashState& state, const std::uint8_t* data, std::size_t count) noexcept;

}  // namespace nicol::session::detail
