// SPDX-License-Identifier: Apache-2.0
#include "drivers/scpi/replies.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

namespace nicol::scpi {
namespace {

constexpr double kNotMeasured = 9.9e37;
constexpr std::size_t kLongestShown = 64;

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

Error no(std::string_view what, std::string_view reply) {
  return {Code::protocol,
          fmt::format("the instrument answered \"{}\", which is no {}", reply.substr(0, kLongestShown), what)};
}

template <class T>
bool read_whole(std::string_view text, T& value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failed == std::errc{} && end == text.data() + text.size();
}

std::vector<std::string> fields(std::string_view reply) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from <= reply.size();) {
    const std::size_t comma = std::min(reply.find(',', from), reply.size());
    out.emplace_back(trimmed(reply.substr(from, comma - from)));
    from = comma + 1;
  }
  return out;
}

std::string_view unquoted(std::string_view text) {
  const bool quoted = text.size() >= 2 && (text.front() == '\'' || text.front() == '"') && text.back() == text.front();
  return quoted ? text.substr(1, text.size() - 2) : text;
}

Code code_of(int number) {
  if (number == -222) return Code::out_of_range;
  if (number == -113) return Code::not_supported;
  return Code::refused;
}

}  // namespace

Result<Identity> parse_identity(std::string_view reply) {
  const auto parts = fields(reply);
  if (parts.size() < 3 || parts[0].empty() || parts[1].empty() || parts[2].empty()) return no("identity", reply);
  return Identity{parts[0], parts[1], parts[2], parts.size() > 3 ? parts[3] : ""};
}

Result<double> parse_number(std::string_view reply) {
  double value = 0;
  if (!read_whole(trimmed(reply), value) || !std::isfinite(value)) return no("number", reply);
  if (std::abs(value) >= kNotMeasured)
    return Error{Code::protocol, fmt::format("the instrument has no value to give ({})", trimmed(reply))};
  return value;
}

Result<bool> parse_flag(std::string_view reply) {
  const std::string_view text = trimmed(reply);
  if (text == "1" || text == "+1" || text == "ON") return true;
  if (text == "0" || text == "+0" || text == "OFF") return false;
  return no("0 or 1", reply);
}

Result<QueuedError> parse_queued_error(std::string_view reply) {
  const std::string_view text = trimmed(reply);
  const std::size_t comma = text.find(',');
  int number = 0;
  if (comma == std::string_view::npos || !read_whole(trimmed(text.substr(0, comma)), number))
    return no("entry of an error queue", reply);
  return QueuedError{number, std::string(unquoted(trimmed(text.substr(comma + 1))))};
}

Error refusal(const QueuedError& queued, std::string_view command) {
  return {code_of(queued.number),
          fmt::format("the instrument did not take \"{}\": {} ({})", command, queued.text, queued.number),
          "",
          queued.number,
          {}};
}

}  // namespace nicol::scpi
