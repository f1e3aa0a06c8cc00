// SPDX-License-Identifier: Apache-2.0
// The table of status codes (ELLx protocol), each with its advice.
#include "drivers/elliptec/status.hpp"

#include <fmt/core.h>

#include <array>
#include <string>

namespace nicol::elliptec {
namespace {

struct Meaning {
  Code code;
  std::string_view text;
};

constexpr std::array<Meaning, 15> kMeanings{{
    {Code::internal, "ok"},
    {Code::timeout,
     "the mount got half a command and dropped it; nothing was done: check the cable and that no other program uses "
     "it"},
    {Code::motion_fault,
     "the motor did not arrive in time: see that the optic turns freely, raise the velocity (45 % or more), then home"},
    {Code::not_supported, "the mount does not know this command: its firmware may be too old, or it is no ELL14"},
    {Code::out_of_range, "the mount refuses this value"},
    {Code::refused, "the mount is isolated from the bus: wait for its time to end, or switch its supply off and on"},
    {Code::busy, "the mount has just come out of isolation: ask again"},
    {Code::hardware_fault, "the mount could not initialise: switch its supply off and on"},
    {Code::hardware_fault, "the mount is too hot: let it cool and move it less often"},
    {Code::busy, "the mount is busy: wait for its move to end"},
    {Code::hardware_fault, "the position sensor fails: switch the supply off and on, then home"},
    {Code::hardware_fault, "the motor fails: search its frequencies anew (Thorlabs ELLO), check the supply"},
    {Code::out_of_range, "the position is outside what the mount can reach"},
    {Code::hardware_fault, "the motor draws too much current: see that the optic turns freely, check the supply"},
    {Code::hardware_fault, "general error: switch the supply off and on, then home"},
}};

}  // namespace

std::optional<std::uint8_t> status_code(const Reply& reply) {
  if (reply.kind != "GS") return std::nullopt;
  const auto value = parse_counts("000000" + reply.data);
  if (!value) return std::nullopt;
  return static_cast<std::uint8_t>(*value);
}

Result<void> status_result(std::uint8_t code, std::string_view device) {
  if (code == kOk) return {};
  const Meaning meaning =
      code < kMeanings.size() ? kMeanings[code] : Meaning{Code::hardware_fault, "a status this program does not know"};
  return Error{meaning.code, fmt::format("status {:02X}: {}", code, meaning.text), std::string(device), code, {}};
}

}  // namespace nicol::elliptec
