// SPDX-License-Identifier: Apache-2.0
// Settings as the HAL has them (a bit vector each of bases and bits) into the two bits a slot of a PATTERN_CHUNK.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nicol::rig {

/// Slots [first, first + slots) of `low` and `high` (bit k of word k/64): slot k at bits 2(k%4) and 2(k%4)+1 of byte
/// k/4, low below high, unused bits zero. `out` holds fw::packed_bytes(slots). An empty `high` or `low` is all zeros.
void pack_slots(std::span<const std::uint64_t> low, std::span<const std::uint64_t> high, std::size_t first,
                std::size_t slots, std::span<std::uint8_t> out) noexcept;

/// How many of `slots` slots to put into one frame: at most `most`, and such that the frame's size is no multiple of
/// 64 bytes. `fields`: 1, or 2 with intensities.
std::size_t slots_of_a_frame(std::size_t slots, std::size_t most, std::size_t fields) noexcept;

}  // namespace nicol::rig
