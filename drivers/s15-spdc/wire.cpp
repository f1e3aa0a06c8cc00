// SPDX-License-Identifier: Apache-2.0
#include "drivers/s15-spdc/wire.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace nicol::s15_spdc {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

Error not_a_number(std::string_view reply) {
  return {Code::protocol, fmt::format("the board answered \"{}\", which is no value", reply.substr(0, 80)), "", 0, {}};
}

}  // namespace

std::string set_text(std::string_view word, double value) { return fmt::format("{} {:.3f}", word, value); }
std::string set_text(std::string_view word, unsigned value) { return fmt::format("{} {}", word, value); }
std::string query_text(std::string_view word) { return fmt::format("{}?", word); }

Result<double> parse_number(std::string_view reply) {
  const std::string_view text = trimmed(reply);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return not_a_number(reply);
  return value;
}

Result<unsigned> parse_count(std::string_view reply, unsigned most) {
  const auto value = parse_number(reply);
  if (!value) return value.error();
  if (!(*value >= 0 && *value <= most) || *value != std::floor(*value)) return not_a_number(reply);
  return static_cast<unsigned>(*value);
}

bool is_spdc_driver(std::string_view identity) { return trimmed(identity).starts_with("SPDCSDR"); }

}  // namespace nicol::s15_spdc
