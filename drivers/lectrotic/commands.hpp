// SPDX-License-Identifier: Apache-2.0
// What a LectroTIC-4 is told and what it answers in text. Bytes in, values out; no port.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "drivers/hal/time_tagger.hpp"

namespace nicol::lectrotic {

inline constexpr std::size_t kChannels = 4;
inline constexpr std::int64_t kLargestDivider = 65'535;

struct Input {
  hal::Edge edge = hal::Edge::rising;
  std::int64_t divider = 1;  // every nth pulse is reported
  bool operator==(const Input&) const = default;
};
using Inputs = std::array<Input, kChannels>;

// Whole lines; commands are not answered, each question is answered with one line.
inline constexpr std::string_view kAskIdentity = "*IDN?\n", kAskError = "SYST:ERR?\n", kQuiet = "OUTP:STAT OFF\n";
/// Records instead of text, an empty output, go: the record that says "cleared" is where the stream can be read from.
inline constexpr std::string_view kClearAndGo = "FORM:DATA BIN\nOUTP:CLE\nOUTP:STAT ON\n";
inline constexpr std::string_view kStopAndAsk = "OUTP:STAT OFF\nOUTP:CLE\n*IDN?\n";
std::string input_commands(const Inputs& inputs);
std::string start_command(const Inputs& inputs);

/// The identity in this line, whatever stands before it (the end of a stream that was stopped); nullopt: none.
std::optional<std::string> parse_identity(std::string_view line);
/// Of SYST:ERR?: `0,"No error"` is 0.
std::optional<int> parse_error(std::string_view line);

}  // namespace nicol::lectrotic
