// SPDX-License-Identifier: Apache-2.0
// The lines a CONEX-CC or SMC100 understands and says: axis number, two letters, a value. Text only, no transport.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "drivers/hal/result.hpp"

namespace nicol::newport {

/// "1TP10.5000" is {1, "TP", "10.5000"}.
struct Reply {
  int axis = 0;
  std::string command, value;
  bool operator==(const Reply&) const = default;
};

/// Requests, CR LF included. Those that change something have no reply: ask `last_error` after each.
namespace request {

std::string plain(int axis, std::string_view command);  // "1OR", "1ST"
std::string ask(int axis, std::string_view command);    // "1SL?"
std::string last_error(int axis);                       // "1TE"
std::string state(int axis);                            // "1TS"
std::string position(int axis);                         // "1TP"
std::string move_absolute(int axis, double degrees);    // "1PA10.5"
std::string move_relative(int axis, double degrees);    // "1PR-2"
std::string set_velocity(int axis, double degrees_per_second);

}  // namespace request

/// Lines from whatever comes over the wire; zero bytes and noise are stepped over. Holds at most one line.
class LineReader {
 public:
  void feed(std::span<const std::uint8_t> bytes, const std::function<void(const Reply&)>& on_reply);
  void forget() { line_.clear(); }

 private:
  std::string line_;
};
std::optional<Reply> parse_reply(std::string_view line);
/// A decimal number and nothing else.
std::optional<double> parse_number(std::string_view text);

enum class Phase : std::uint8_t { not_referenced, configuration, homing, moving, ready, disabled, tracking, unknown };

/// What TS tells: 16 error bits of the positioner, and the state of the controller.
struct State {
  std::uint16_t errors = 0;
  std::uint8_t code = 0;
  Phase phase = Phase::unknown;
  bool operator==(const State&) const = default;
};
Result<State> parse_state(const Reply& reply);
Phase phase_of(std::uint8_t code) noexcept;
std::string_view to_string(Phase phase) noexcept;

/// "negative end of run, following error": what the bits say, empty for none.
std::string positioner_errors(std::uint16_t bits);

/// ok for '@', else the Error with its advice.
Result<void> command_result(char code, std::string_view device);
/// Of a TE reply; protocol for any other.
Result<char> parse_error_code(const Reply& reply);

}  // namespace nicol::newport
