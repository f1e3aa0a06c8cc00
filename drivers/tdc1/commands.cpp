// SPDX-License-Identifier: Apache-2.0
#include "drivers/tdc1/commands.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace nicol::tdc1 {
namespace {

constexpr double kLowest = -3.3, kHighest = 3.3;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/// A number at the front of `text`, which then begins behind it.
template <class T>
std::optional<T> take_number(std::string_view& text, int base = 10) {
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t")));
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

/// Not from_chars: clang 14's library has none for doubles. A copy, because strtod needs an end.
std::optional<double> front_double(std::string_view text) {
  const std::string copy(trimmed(text).substr(0, 32));
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  if (end == copy.c_str() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace

std::string line(std::string_view command, Terminator terminator) {
  return fmt::format("{}\r\n{}", command, terminator == Terminator::twice ? "\r\n" : "");
}

hal::Edge edge_of(const InputLevel& level) noexcept {
  const bool falling = level.standard == InputLevel::Standard::nim ||
                       (level.standard == InputLevel::Standard::volts && level.threshold.value < 0);
  return falling ? hal::Edge::falling : hal::Edge::rising;
}

std::string level_command(const InputLevel& level) {
  if (level.standard == InputLevel::Standard::nim) return "NIM";
  if (level.standard == InputLevel::Standard::ttl) return "TTL";
  return fmt::format("{} {:.3f}", level.threshold.value < 0 ? "NEG" : "POS", level.threshold.value);
}

Result<InputLevel> parse_level_setting(std::string_view text) {
  if (text == "NIM") return InputLevel{InputLevel::Standard::nim, {-0.5}};
  if (text == "TTL") return InputLevel{InputLevel::Standard::ttl, {1.0}};
  const auto volts = front_double(text);
  if (!volts)
    return Error{Code::bad_input, fmt::format("level \"{}\" is neither NIM nor TTL nor a number of volts", text)};
  if (*volts < kLowest || *volts > kHighest)
    return Error{Code::out_of_range, fmt::format("level {} V is outside {}..{} V", *volts, kLowest, kHighest)};
  return InputLevel{InputLevel::Standard::volts, {*volts}};
}

std::string clock_command(ReferenceClock clock) { return fmt::format("REFCLK {}", static_cast<int>(clock)); }

std::string start_command(const InputLevel& level, ReferenceClock clock) {
  return fmt::format("*RST;{};{};time 0;timestamp;counts?", level_command(level), clock_command(clock));
}

std::string singles_command(unsigned milliseconds) { return fmt::format("singles;time {};counts?", milliseconds); }

bool is_tdc1(std::string_view identification) { return identification.find("TDC1") != std::string_view::npos; }

std::optional<Mode> parse_mode(std::string_view reply) {
  reply = trimmed(reply);
  if (reply == "0") return Mode::singles;
  if (reply == "1") return Mode::pairs;
  if (reply == "3") return Mode::timestamp;
  return std::nullopt;
}

std::optional<unsigned> parse_time(std::string_view reply) {
  reply = trimmed(reply);
  const auto value = take_number<int>(reply);
  if (!value || !reply.empty() || *value < -32768 || *value > 65535) return std::nullopt;
  return static_cast<unsigned>(*value < 0 ? *value + 65536 : *value);
}

std::optional<std::uint16_t> parse_status(std::string_view reply) {
  reply = trimmed(reply);
  if (reply.size() != 4) return std::nullopt;
  const auto value = take_number<std::uint16_t>(reply, 16);
  return reply.empty() ? value : std::nullopt;
}

std::optional<std::array<std::uint64_t, kChannels>> parse_singles(std::string_view reply) {
  reply = trimmed(reply);
  std::array<std::uint64_t, kChannels> counts{};
  for (std::uint64_t& count : counts) {
    const auto value = take_number<std::uint64_t>(reply);
    if (!value) return std::nullopt;
    count = *value;
  }
  return reply.empty() ? std::optional(counts) : std::nullopt;
}

std::optional<double> parse_volts(std::string_view reply) { return front_double(reply); }

}  // namespace nicol::tdc1
