// SPDX-License-Identifier: Apache-2.0
// Errors as people read them: one line, values in it, causes nearest first.
#include "drivers/hal/result.hpp"

#include <array>

namespace nicol {
namespace {

constexpr std::array<std::string_view, 26> kCodes = {"timeout",        "overflow",       "disconnected",
                                                     "not_found",      "busy",           "access_denied",
                                                     "not_supported",  "out_of_range",   "not_homed",
                                                     "interlock",      "limit_switch",   "motion_fault",
                                                     "protocol",       "checksum",       "incompatible_firmware",
                                                     "hardware_fault", "cancelled",      "unsafe_state",
                                                     "internal",       "bad_input",      "io",
                                                     "locked_memory",  "authentication", "exhausted",
                                                     "refused",        "over_rate"};
static_assert(static_cast<std::size_t>(Code::over_rate) == 25);

std::string one_line(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return out;
}

}  // namespace

std::string_view to_string(Code code) noexcept {
  const auto i = static_cast<std::size_t>(code);
  return i < kCodes.size() ? kCodes[i] : "unknown";
}

std::string describe(const Error& error) {
  std::string out = error.message.empty() ? std::string(to_string(error.code)) : one_line(error.message);
  if (!error.device.empty()) out += " (device " + one_line(error.device) + ")";
  for (std::size_t i = 0; i < error.cause.size(); ++i)
    out += (i == 0 ? ": caused by " : "; and by ") + describe(error.cause[i]);
  return out;
}

}  // namespace nicol
