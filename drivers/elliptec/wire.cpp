// SPDX-License-Identifier: Apache-2.0
// Building requests and reading replies, character by character.
#include "drivers/elliptec/wire.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace nicol::elliptec {
namespace {

constexpr std::size_t kLongestLine = 64;  // IN has 33 characters

struct Form {
  std::string_view kind;
  std::size_t data;
};
/// BS and BO are buttons somebody pressed; their replies carry a status or a position.
constexpr std::array kForms{Form{"IN", 30}, Form{"GS", 2},  Form{"PO", 8},  Form{"HO", 8}, Form{"GJ", 8},
                            Form{"GV", 2},  Form{"I1", 22}, Form{"I2", 22}, Form{"BS", 2}, Form{"BO", 8}};

int digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool all_hex(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return digit(c) >= 0; });
}

std::optional<std::uint32_t> parse_hex(std::string_view text) {
  if (text.empty() || text.size() > 8 || !all_hex(text)) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text) value = value << 4 | static_cast<std::uint32_t>(digit(c));
  return value;
}

std::string with_counts(char address, std::string_view letters, std::int32_t counts) {
  return fmt::format("{}{}{:08X}", address, letters, static_cast<std::uint32_t>(counts));
}
std::string bare(char address, std::string_view letters) { return fmt::format("{}{}", address, letters); }

/// "0xF", "period 0": what a field holds that should be something else.
Error bad_field(const Reply& reply, std::string_view field) {
  return {Code::protocol,
          fmt::format("the {} in \"{}{}{}\" makes no sense", field, reply.address, reply.kind, reply.data)};
}

double frequency(std::uint32_t period) { return period == 0 ? 0 : 14'740'000.0 / period; }

}  // namespace

bool is_address(char c) noexcept { return digit(c) >= 0; }

namespace request {

std::string identify(char address) { return bare(address, "in"); }
std::string status(char address) { return bare(address, "gs"); }
std::string home(char address, Sense sense) { return bare(address, sense == Sense::clockwise ? "ho0" : "ho1"); }
std::string move_absolute(char address, std::int32_t counts) { return with_counts(address, "ma", counts); }
std::string move_relative(char address, std::int32_t counts) { return with_counts(address, "mr", counts); }
std::string position(char address) { return bare(address, "gp"); }
std::string home_offset(char address) { return bare(address, "go"); }
std::string set_home_offset(char address, std::int32_t counts) { return with_counts(address, "so", counts); }
std::string velocity(char address) { return bare(address, "gv"); }
std::string set_velocity(char address, std::uint8_t percent) { return fmt::format("{}sv{:02X}", address, percent); }
std::string motor(char address, int number) { return fmt::format("{}i{}", address, number); }
std::string change_address(char address, char wanted) { return fmt::format("{}ca{}", address, wanted); }

}  // namespace request

std::optional<Reply> parse_reply(std::string_view line) {
  for (const Form& form : kForms) {
    const std::size_t length = 3 + form.data;
    if (line.size() < length) continue;
    const std::string_view end = line.substr(line.size() - length);
    if (is_address(end[0]) && end.substr(1, 2) == form.kind && all_hex(end.substr(3)))
      return Reply{end[0], std::string(form.kind), std::string(end.substr(3))};
  }
  return std::nullopt;
}

void ReplyReader::feed(std::span<const std::uint8_t> bytes, const std::function<void(const Reply&)>& on_reply) {
  for (const std::uint8_t byte : bytes) {
    const char c = static_cast<char>(byte);
    if (c == '\r' || c == '\n') {
      if (const auto reply = parse_reply(line_)) on_reply(*reply);
      line_.clear();
    } else if (c > ' ' && c <= '~') {
      if (line_.size() == kLongestLine) line_.erase(0, 1);
      line_ += c;
    }
  }
}

std::optional<std::int32_t> parse_counts(std::string_view hex) {
  if (hex.size() != 8) return std::nullopt;
  const auto value = parse_hex(hex);
  if (!value) return std::nullopt;
  return static_cast<std::int32_t>(*value);
}

Result<Identity> parse_identity(const Reply& reply) {
  const std::string_view d = reply.data;
  if (reply.kind != "IN" || d.size() != 30) return bad_field(reply, "identity");
  const auto hex = [&](std::size_t at, std::size_t n) { return parse_hex(d.substr(at, n)); };
  Identity id;
  id.type = static_cast<int>(hex(0, 2).value_or(0));
  id.serial = std::string(d.substr(2, 8));
  for (const char c : d.substr(10, 4)) {
    if (digit(c) < 0 || digit(c) > 9) return bad_field(reply, "year");
    id.year = id.year * 10 + digit(c);
  }
  id.firmware = static_cast<int>(hex(14, 2).value_or(0));
  const auto hardware = hex(16, 2).value_or(0);
  id.hardware = static_cast<int>(hardware & 0x7F);
  id.imperial = (hardware & 0x80) != 0;
  id.travel_degrees = static_cast<int>(hex(18, 4).value_or(0));
  const auto pulses = parse_counts(d.substr(22));
  if (!pulses || *pulses <= 0) return bad_field(reply, "number of pulses");
  id.pulses_per_turn = *pulses;
  return id;
}

Result<MotorInfo> parse_motor(const Reply& reply) {
  const std::string_view d = reply.data;
  if ((reply.kind != "I1" && reply.kind != "I2") || d.size() != 22) return bad_field(reply, "motor information");
  const auto word = [&](std::size_t at) { return parse_hex(d.substr(at, 4)).value_or(0); };
  MotorInfo info;
  info.loop_closed = d[0] == '1';
  info.running = d[1] == '1';
  info.amperes = word(2) / 1866.0;
  info.forward_hz = frequency(word(14));
  info.backward_hz = frequency(word(18));
  return info;
}

Result<std::int32_t> Scale::counts(Angle angle) const {
  const double counts = std::round(angle.degrees() * pulses_ / 360.0);
  constexpr double kMost = std::numeric_limits<std::int32_t>::max();
  if (std::isfinite(counts) && counts >= -kMost && counts <= kMost) return static_cast<std::int32_t>(counts);
  return Error{Code::out_of_range, fmt::format("{:.1f} deg are more turns than the mount can count", angle.degrees())};
}

}  // namespace nicol::elliptec
