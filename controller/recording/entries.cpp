// SPDX-License-Identifier: Apache-2.0
#include "controller/recording/entries.hpp"

#include <array>

namespace nicol::recording {

std::string_view to_string(Entry entry) noexcept {
  constexpr std::array<std::string_view, 13> names{"nothing",   "node", "session", "call", "frame",  "draw", "answer",
                                                   "tag block", "tags", "light",   "sent", "result", "end"};
  const auto i = static_cast<std::size_t>(entry);
  return i < names.size() ? names[i] : "unknown";
}

void put_le(std::span<std::uint8_t> to, std::uint64_t value) noexcept {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::uint64_t get_le(std::span<const std::uint8_t> from) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < from.size(); ++i) value |= static_cast<std::uint64_t>(from[i]) << (8 * i);
  return value;
}

}  // namespace nicol::recording
