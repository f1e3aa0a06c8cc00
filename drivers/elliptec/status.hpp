// SPDX-License-Identifier: Apache-2.0
// What a mount's status code means, and what to do about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "drivers/elliptec/wire.hpp"

namespace nicol::elliptec {

inline constexpr std::uint8_t kOk = 0x00, kMechanicalTimeout = 0x02, kLeftIsolation = 0x06, kBusy = 0x09;

/// Of a GS reply; nullopt for any other.
std::optional<std::uint8_t> status_code(const Reply& reply);
/// ok for 00, else the Error with its advice. `device` is the serial number of the mount.
Result<void> status_result(std::uint8_t code, std::string_view device);

}  // namespace nicol::elliptec
