// SPDX-License-Identifier: Apache-2.0
// The S-Fifteen SPDC driver's text: commands that end with ';', replies of one line. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "drivers/hal/device.hpp"

namespace nicol::s15_spdc {

// Settings by their word; "WORD x" sets, "WORD?" asks.
inline constexpr const char *kCurrent = "LCURRENT", *kCurrentLimit = "LLIMIT", *kPower = "POWER";  // mA, mA, lines
inline constexpr double kHighestCurrentLimit = 97;  // mA, of the firmware
/// Lines of POWER.
inline constexpr unsigned kPowerThermal = 1, kPowerLaser = 2;

/// One of the two temperature loops.
struct Loop {
  const char *unit, *name;
  const char *on, *temperature, *set_point, *voltage, *voltage_limit;
  const char* rate;                 // K/s, nullptr: it has none
  hal::Range temperatures, limits;  // C, V
};
inline constexpr Loop kCrystal{"crystal", "crystal heater", "HLOOP", "HTEMP",      "HSETTEMP",
                               "HVOLT",   "HLIMIT",         "HRATE", {20, 100, 0}, {0, 10, 0}};
inline constexpr Loop kLaserTec{"laser-tec", "laser cooler", "PLOOP", "PTEMP",     "PSETTEMP",
                                "PVOLT",     "PLIMIT",       nullptr, {20, 50, 0}, {0, 2.5, 0}};
inline constexpr hal::Range kRates{0, 1, 0};  // K/s

/// Without the ';' that ends it. Three decimals, as the board takes them.
std::string set_text(std::string_view word, double value);
std::string set_text(std::string_view word, unsigned value);
std::string query_text(std::string_view word);

/// protocol with the reply's text: the board answers in words when it refuses something.
Result<double> parse_number(std::string_view reply);
/// A whole number in 0..most.
Result<unsigned> parse_count(std::string_view reply, unsigned most);
bool is_spdc_driver(std::string_view identity);

}  // namespace nicol::s15_spdc
