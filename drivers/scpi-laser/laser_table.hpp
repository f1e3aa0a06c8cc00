// SPDX-License-Identifier: Apache-2.0
// Lasers as data: what each understands, in what units and range, and in what order it is brought to light. A new laser
// is an entry here.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "drivers/hal/device.hpp"

namespace nicol::scpi_laser {

/// A setting: `set` has one {} for the value, `query` reads the setting back.
struct Quantity {
  std::string_view set, query, units;
};
/// Answers 1 while it forbids light.
struct Protection {
  std::string_view name, tripped;
};
/// What happens between the operator's consent and light.
enum class Step : std::uint8_t {
  cooler_on,
  settle,  // until the temperature has stood within the tolerance
  limit,   // written, and read back
  zero_current,
  laser_on,
  soft_start,  // the instrument's own delay
  ramp         // to the working current
};

struct LaserTable {
  std::string_view family, vendor;
  std::uint16_t vendor_id = 0, product_id = 0;
  bool remote_enable = false;  // wants REN_CONTROL before it listens
  std::string_view error_query;
  std::string_view laser_on, laser_off, laser_state;
  std::string_view cooler_on, cooler_off, cooler_state;
  Quantity current, current_limit, temperature;
  std::string_view measured_current, measured_temperature, measured_power;
  hal::Range temperatures;           // C, that may be asked for
  double temperature_tolerance = 0;  // K
  double dark_current = 0;           // A, the most that is measured with the output off
  std::chrono::milliseconds soft_start{0};
  std::span<const Protection> protections;
  std::span<const Step> arming, enabling;  // `arming` makes no light
};

std::span<const LaserTable> laser_tables();
const LaserTable* laser_table(std::uint16_t vendor_id, std::uint16_t product_id) noexcept;

/// The template with the value in the place of {}, as short as it can be read back exactly.
std::string command(std::string_view pattern, double value);

}  // namespace nicol::scpi_laser
