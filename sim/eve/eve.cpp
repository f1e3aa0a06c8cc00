// SPDX-License-Identifier: Apache-2.0
// Names of the eavesdroppers, as the command line spells them.
#include "sim/eve/eve.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace nicol::sim {
namespace {

constexpr std::array<std::string_view, 5> kBuilt = {"none", "intercept-resend", "intercept-resend-rectilinear",
                                                    "intercept-resend-diagonal", "breidbart"};
/// Named in the command line's contract, not simulated yet.
constexpr std::array<std::string_view, 13> kPlanned = {
    "cloner",    "pns",         "beam-splitter", "blinding",     "time-shift", "dead-time", "trojan-horse",
    "mitm-flip", "mitm-replay", "mitm-reorder",  "mitm-reflect", "mitm-delay", "mitm-drop"};

Error bad(std::string message) { return {Code::bad_input, std::move(message), {}, 0, {}}; }

Result<double> parse_fraction(std::string_view text) {
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size() || !(value >= 0 && value <= 1))
    return bad(fmt::format("--eve fraction: expected a number from 0 to 1, got \"{}\"", text));
  return value;
}

}  // namespace

std::string_view to_string(EveKind kind) noexcept { return kBuilt[static_cast<std::size_t>(kind)]; }

Result<EveOptions> parse_eve(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  if (std::find(kPlanned.begin(), kPlanned.end(), name) != kPlanned.end())
    return Error{Code::not_supported,
                 fmt::format("--eve {}: not simulated yet; known: {}", name, fmt::join(kBuilt, ", ")),
                 {},
                 0,
                 {}};
  const auto at = std::find(kBuilt.begin(), kBuilt.end(), name);
  if (at == kBuilt.end()) return bad(fmt::format("--eve {}: unknown; known: {}", name, fmt::join(kBuilt, ", ")));
  EveOptions options{static_cast<EveKind>(at - kBuilt.begin()), 1.0};
  if (colon == std::string_view::npos) return options;
  const auto fraction = parse_fraction(text.substr(colon + 1));
  if (!fraction.ok()) return fraction.error();
  options.fraction = *fraction;
  return options;
}

}  // namespace nicol::sim
