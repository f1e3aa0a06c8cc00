// SPDX-License-Identifier: Apache-2.0
// Checks that every driver's settings go through, so that a bad value is refused in the same words everywhere.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "drivers/hal/device.hpp"

namespace nicol::hal {

/// nullptr where no property has that key.
const ArgInfo* find_property(std::span<const ArgInfo> properties, std::string_view key) noexcept;
/// Type, range and options; access_denied for a read-only property. bad_input or out_of_range name the value.
Result<void> check_value(const ArgInfo& property, const Value& value);
std::string to_text(const Value& value);
/// The Error that every call returns after an unplug.
Error disconnected_error(const Device& device);

}  // namespace nicol::hal
