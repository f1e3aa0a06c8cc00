// SPDX-License-Identifier: Apache-2.0
// Numbers on the wire: least significant byte first, at any address, on any processor.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nicol::fw {

template <class Unsigned>
constexpr Unsigned get_le(const std::uint8_t* from) noexcept {
  Unsigned value = 0;
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i)
    value = static_cast<Unsigned>(value | static_cast<Unsigned>(from[i]) << (8 * i));
  return value;
}

template <class Unsigned>
constexpr void put_le(std::uint8_t* to, Unsigned value) noexcept {
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) to[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

}  // namespace nicol::fw
