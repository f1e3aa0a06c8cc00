// SPDX-License-Identifier: Apache-2.0
// Philox4x64-10, the counter-based generator behind every simulated draw: word i of a stream depends on the key and i
// alone, so threads cannot change a run. Inline, because the simulator draws several words a photon.
#pragma once

#include <array>
#include <cstdint>

namespace nicol {

/// One block: ten rounds over a 256-bit counter under a 128-bit key.
/// Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11, section 4.3.
[[gnu::always_inline]] inline constexpr std::array<std::uint64_t, 4> philox4x64(
    std::array<std::uint64_t, 4> counter, std::array<std::uint64_t, 2> key) noexcept {
  __extension__ using Wide = unsigned __int128;
  std::uint64_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  std::uint64_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; ++round) {
    const Wide p0 = Wide{0xD2E7470EE14C6C93} * c0;
    const Wide p1 = Wide{0xCA5A826395121157} * c2;
    c0 = static_cast<std::uint64_t>(p1 >> 64) ^ c1 ^ k0;
    c2 = static_cast<std::uint64_t>(p0 >> 64) ^ c3 ^ k1;
    c1 = static_cast<std::uint64_t>(p1);
    c3 = static_cast<std::uint64_t>(p0);
    k0 += 0x9E3779B97F4A7C15;  // Weyl steps: golden ratio, sqrt(3) - 1
    k1 += 0xBB67AE8584CAA73B;
  }
  return {c0, c1, c2, c3};
}

}  // namespace nicol
