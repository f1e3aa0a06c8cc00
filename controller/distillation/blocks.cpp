// SPDX-License-Identifier: Apache-2.0
// Names of keys and of their origin.
#include "controller/distillation/blocks.hpp"

#include <fmt/core.h>

namespace nicol::distillation {
namespace {

constexpr std::size_t kUuidLength = 36;

bool is_dash(std::size_t position) { return position == 8 || position == 13 || position == 18 || position == 23; }

/// Value of a hexadecimal digit, 16 for anything else.
std::uint8_t nibble(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return 16;
}

}  // namespace

std::string to_string(const KeyId& id) {
  std::string text;
  text.reserve(kUuidLength);
  for (const std::uint8_t byte : id.bytes) {
    if (is_dash(text.size())) text += '-';
    text += fmt::format("{:02x}", byte);
  }
  return text;
}

Result<KeyId> parse_key_id(std::string_view uuid) {
  const Error refused{
      Code::bad_input, fmt::format("\"{}\" is not a key id (UUID, 8-4-4-4-12 digits)", uuid), {}, 0, {}};
  if (uuid.size() != kUuidLength) return refused;
  KeyId id;
  std::size_t digits = 0;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (is_dash(i)) {
      if (uuid[i] != '-') return refused;
      continue;
    }
    const std::uint8_t value = nibble(uuid[i]);
    if (value > 15) return refused;
    std::uint8_t& byte = id.bytes[digits / 2];
    byte = static_cast<std::uint8_t>(byte << 4 | value);
    ++digits;
  }
  return id;
}

std::string_view to_string(Origin origin) noexcept {
  switch (origin) {
    case Origin::production:
      return "production";
    case Origin::demonstration:
      return "demonstration";
    case Origin::simulated:
      return "simulated";
    case Origin::replayed:
      return "replayed";
  }
  return "unknown";
}

}  // namespace nicol::distillation
