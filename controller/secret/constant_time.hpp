// SPDX-License-Identifier: Apache-2.0
// Comparing and erasing secrets: time depends on lengths alone, and the compiler may not drop the erasure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nicol::secret {

/// False when the lengths differ (lengths are public); otherwise every byte is looked at.
[[nodiscard]] bool equal_ct(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) noexcept;
[[nodiscard]] bool equal_ct(std::span<const std::byte> a, std::span<const std::byte> b) noexcept;
/// Zeroes, and is never optimised away. For what must pass through ordinary memory; locked keys wipe themselves.
void wipe(std::span<std::byte> memory) noexcept;
void wipe(std::span<std::uint8_t> memory) noexcept;

}  // namespace nicol::secret
