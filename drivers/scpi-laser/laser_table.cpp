// SPDX-License-Identifier: Apache-2.0
#include "drivers/scpi-laser/laser_table.hpp"

#include <fmt/core.h>

#include <array>

namespace nicol::scpi_laser {
namespace {

using std::chrono::milliseconds;

constexpr Protection kThorlabsProtections[] = {{"key lock", "OUTP:PROT:KEYL:TRIP?"},
                                               {"interlock", "OUTP:PROT:INTL:TRIP?"}};
constexpr Step kArming[] = {Step::cooler_on, Step::settle, Step::limit};
constexpr Step kEnabling[] = {Step::zero_current, Step::laser_on, Step::soft_start, Step::ramp};

constexpr LaserTable thorlabs(std::string_view family, std::uint16_t product_id) {
  LaserTable t;
  t.family = family;
  t.vendor = "Thorlabs";
  t.vendor_id = 0x1313;
  t.product_id = product_id;
  t.remote_enable = true;
  t.error_query = "SYST:ERR:NEXT?";
  t.laser_on = "OUTP1:STAT 1";
  t.laser_off = "OUTP1:STAT 0";
  t.laser_state = "OUTP1:STAT?";
  t.cooler_on = "OUTP2:STAT 1";
  t.cooler_off = "OUTP2:STAT 0";
  t.cooler_state = "OUTP2:STAT?";
  t.current = {"SOUR:CURR {}", "SOUR:CURR?", "A"};
  t.current_limit = {"SOUR:CURR:LIM:AMPL {}", "SOUR:CURR:LIM:AMPL?", "A"};
  t.temperature = {"SOUR2:TEMP {}", "SOUR2:TEMP?", "C"};
  t.measured_current = "MEAS:CURR?";
  t.measured_temperature = "MEAS:TEMP?";
  t.measured_power = "MEAS:POW2?";
  t.temperatures = {10, 40, 0};
  t.temperature_tolerance = 0.05;
  t.dark_current = 1e-3;
  t.soft_start = milliseconds(3000);
  t.protections = kThorlabsProtections;
  t.arming = kArming;
  t.enabling = kEnabling;
  return t;
}

constexpr std::array kTables{thorlabs("CLD101x", 0x804f), thorlabs("ITC4000", 0x804a)};

}  // namespace

std::span<const LaserTable> laser_tables() { return kTables; }

const LaserTable* laser_table(std::uint16_t vendor_id, std::uint16_t product_id) noexcept {
  for (const LaserTable& table : kTables)
    if (table.vendor_id == vendor_id && table.product_id == product_id) return &table;
  return nullptr;
}

std::string command(std::string_view pattern, double value) { return fmt::format(fmt::runtime(pattern), value); }

}  // namespace nicol::scpi_laser
