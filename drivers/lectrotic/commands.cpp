// SPDX-License-Identifier: Apache-2.0
#include "drivers/lectrotic/commands.hpp"

#include <fmt/format.h>

#include <charconv>

namespace nicol::lectrotic {

std::string input_commands(const Inputs& inputs) {
  std::string text;
  for (std::size_t c = 0; c < kChannels; ++c)
    text += fmt::format("INP{}:SLOP {}\nINP{}:DIV {}\n", c, inputs[c].edge == hal::Edge::rising ? "POS" : "NEG", c,
                        inputs[c].divider);
  return text;
}

std::string start_command(const Inputs& inputs) {
  return fmt::format("{}{}{}", kQuiet, input_commands(inputs), kClearAndGo);
}

std::optional<std::string> parse_identity(std::string_view line) {
  const std::size_t begin = line.find("Lectrobox,LectroTIC-4");
  if (begin == std::string_view::npos) return std::nullopt;
  line.remove_prefix(begin);
  return std::string(line.substr(0, line.find_last_not_of("\r\n ") + 1));
}

std::optional<int> parse_error(std::string_view line) {
  if (line.starts_with('+')) line.remove_prefix(1);
  int number = 0;
  const auto [end, failed] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (failed != std::errc{} || end == line.data() + line.size() || *end != ',') return std::nullopt;
  return number;
}

}  // namespace nicol::lectrotic
