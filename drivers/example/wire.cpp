// SPDX-License-Identifier: Apache-2.0
#include "drivers/example/wire.hpp"

#include <charconv>

namespace nicol::example {

using hal::ShutterState;

std::optional<Status> parse_status(std::string_view reply) {
  if (reply == "OPEN") return Status{ShutterState::open, 0};
  if (reply == "CLOSED") return Status{ShutterState::closed, 0};
  if (reply == "MOVING") return Status{ShutterState::moving, 0};
  constexpr std::string_view kFault = "FAULT ";
  if (!reply.starts_with(kFault)) return std::nullopt;
  reply.remove_prefix(kFault.size());
  int number = 0;
  const auto [end, failed] = std::from_chars(reply.data(), reply.data() + reply.size(), number);
  if (failed != std::errc{} || end != reply.data() + reply.size() || number <= 0) return std::nullopt;
  return Status{ShutterState::unknown, number};
}

std::optional<Identity> parse_identity(std::string_view reply) {
  constexpr std::string_view kName = "EXAMPLE SHUTTER,";
  if (!reply.starts_with(kName)) return std::nullopt;
  reply.remove_prefix(kName.size());
  const std::size_t comma = reply.find(',');
  if (comma == std::string_view::npos || comma == 0 || comma + 1 == reply.size()) return std::nullopt;
  return Identity{std::string(reply.substr(0, comma)), std::string(reply.substr(comma + 1))};
}

}  // namespace nicol::example
