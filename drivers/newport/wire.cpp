// SPDX-License-Identifier: Apache-2.0
// Building requests and reading replies of the one-axis controllers.
#include "drivers/newport/wire.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

namespace nicol::newport {
namespace {

constexpr std::size_t kLongestLine = 128;

bool upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::string with_number(int axis, std::string_view command, double value) {
  return fmt::format("{}{}{}\r\n", axis, command, std::round(value * 1e5) / 1e5);
}

std::optional<unsigned> hex(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Error no_sense(const Reply& reply) {
  return {Code::protocol, fmt::format("the reply \"{}{}{}\" makes no sense", reply.axis, reply.command, reply.value)};
}

struct Bit {
  unsigned bit;
  std::string_view text;
};
/// Bit 0 is the least significant one of the four hex digits.
constexpr std::array kPositionerErrors{Bit{9, "80 W output power exceeded"},
                                       Bit{8, "supply voltage too low"},
                                       Bit{7, "wrong stage"},
                                       Bit{6, "homing took too long"},
                                       Bit{5, "following error: the stage is blocked or overloaded"},
                                       Bit{4, "short circuit"},
                                       Bit{3, "current limit (mean)"},
                                       Bit{2, "current limit (peak)"},
                                       Bit{1, "positive end of run"},
                                       Bit{0, "negative end of run"}};

struct Meaning {
  char letter;
  Code code;
  std::string_view text;
};
constexpr std::array kCommandErrors{
    Meaning{'A', Code::protocol, "unknown message or axis: check that the controller is a CONEX-CC or SMC100"},
    Meaning{'B', Code::not_found, "no controller has this axis number: check address="},
    Meaning{'C', Code::out_of_range, "the value is missing or out of range"},
    Meaning{'D', Code::not_supported, "the controller does not allow this command"},
    Meaning{'E', Code::busy, "a homing is under way already"},
    Meaning{'F', Code::not_found, "the stage is unknown to the controller: see its configuration"},
    Meaning{'G', Code::out_of_range, "the position is outside the travel limits"},
    Meaning{'H', Code::not_homed, "not allowed before homing: home first"},
    Meaning{'I', Code::busy, "not allowed in configuration: leave it with PW0, then home"},
    Meaning{'J', Code::refused, "not allowed while disabled: enable the stage, then try again"},
    Meaning{'K', Code::refused, "not allowed when ready: the controller is homed already"},
    Meaning{'L', Code::busy, "not allowed while homing: wait for it to end"},
    Meaning{'M', Code::busy, "not allowed while moving: wait for the move to end, or stop it"},
    Meaning{'N', Code::out_of_range, "the position is outside the software limits"},
    Meaning{'S', Code::timeout, "the controller had a communication time-out: check the cable"},
    Meaning{'U', Code::hardware_fault, "the controller's memory fails: restart it, then see its configuration"},
    Meaning{'V', Code::hardware_fault, "the controller failed to execute it: restart the controller, then home"}};

}  // namespace

namespace request {

std::string plain(int axis, std::string_view command) { return fmt::format("{}{}\r\n", axis, command); }
std::string ask(int axis, std::string_view command) { return fmt::format("{}{}?\r\n", axis, command); }
std::string last_error(int axis) { return plain(axis, "TE"); }
std::string state(int axis) { return plain(axis, "TS"); }
std::string position(int axis) { return plain(axis, "TP"); }
std::string move_absolute(int axis, double degrees) { return with_number(axis, "PA", degrees); }
std::string move_relative(int axis, double degrees) { return with_number(axis, "PR", degrees); }
std::string set_velocity(int axis, double velocity) { return with_number(axis, "VA", velocity); }

}  // namespace request

std::optional<Reply> parse_reply(std::string_view line) {
  std::size_t at = 0;
  Reply reply;
  while (at < line.size() && is_digit(line[at]) && at < 2) reply.axis = reply.axis * 10 + (line[at++] - '0');
  if (reply.axis < 1 || reply.axis > 31 || line.size() < at + 2) return std::nullopt;
  if (!upper(line[at]) || !upper(line[at + 1])) return std::nullopt;
  reply.command = std::string(line.substr(at, 2));
  reply.value = std::string(line.substr(at + 2));
  return reply;
}

void LineReader::feed(std::span<const std::uint8_t> bytes, const std::function<void(const Reply&)>& on_reply) {
  for (const std::uint8_t byte : bytes) {
    const char c = static_cast<char>(byte);
    if (c == '\r' || c == '\n') {
      if (const auto reply = parse_reply(line_)) on_reply(*reply);
      line_.clear();
    } else if (c >= ' ' && c <= '~') {
      if (line_.size() == kLongestLine) line_.clear();
      line_ += c;
    }
  }
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

Phase phase_of(std::uint8_t code) noexcept {
  if (code >= 0x0A && code <= 0x10) return Phase::not_referenced;
  if (code == 0x14) return Phase::configuration;
  if (code == 0x1E || code == 0x1F) return Phase::homing;
  if (code == 0x28) return Phase::moving;
  if (code >= 0x32 && code <= 0x38) return Phase::ready;
  if (code >= 0x3C && code <= 0x3F) return Phase::disabled;
  if (code == 0x46 || code == 0x47) return Phase::tracking;
  return Phase::unknown;
}

std::string_view to_string(Phase phase) noexcept {
  constexpr std::array<std::string_view, 8> kNames{
      "not referenced", "in configuration", "homing", "moving", "ready", "disabled", "tracking", "in an unknown state"};
  return kNames[static_cast<std::size_t>(phase)];
}

Result<State> parse_state(const Reply& reply) {
  if (reply.command != "TS" || reply.value.size() != 6) return no_sense(reply);
  const auto errors = hex(std::string_view(reply.value).substr(0, 4)),
             code = hex(std::string_view(reply.value).substr(4));
  if (!errors || !code) return no_sense(reply);
  const auto state = static_cast<std::uint8_t>(*code);
  return State{static_cast<std::uint16_t>(*errors), state, phase_of(state)};
}

std::string positioner_errors(std::uint16_t bits) {
  std::string text;
  for (const Bit& known : kPositionerErrors)
    if ((unsigned{bits} >> known.bit & 1U) != 0) text += fmt::format("{}{}", text.empty() ? "" : ", ", known.text);
  return text;
}

Result<char> parse_error_code(const Reply& reply) {
  if (reply.command != "TE" || reply.value.size() != 1) return no_sense(reply);
  return reply.value[0];
}

Result<void> command_result(char code, std::string_view device) {
  if (code == '@') return {};
  const auto it = std::ranges::find(kCommandErrors, code, &Meaning::letter);
  const Meaning meaning =
      it != kCommandErrors.end() ? *it : Meaning{code, Code::hardware_fault, "an error this program does not know"};
  return Error{meaning.code, fmt::format("error {}: {}", code, meaning.text), std::string(device), code, {}};
}

}  // namespace nicol::newport
