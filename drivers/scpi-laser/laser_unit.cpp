// SPDX-License-Identifier: Apache-2.0
// Settings and readings of a laser driver and its cooler.
#include "drivers/scpi-laser/laser_unit.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace nicol::scpi_laser {

using scpi::Urgency;

LaserUnit::LaserUnit(const LaserTable& table, const Timing& timing, std::unique_ptr<scpi::Instrument> instrument)
    : table_(table), timing_(timing), instrument_(std::move(instrument)), light_(output()) {}

LaserUnit::~LaserUnit() {
  instrument_->listen({});
  light_.turn_off(std::chrono::milliseconds(200));
}

Output LaserUnit::output() {
  Output o;
  o.on = [this] { return instrument_->set(table_.laser_on); };
  o.off = [this] { return instrument_->set(table_.laser_off, Urgency::emergency); };
  o.is_on = [this] { return instrument_->flag(table_.laser_state, Urgency::emergency); };
  o.is_blocked = [this]() -> Result<bool> {
    const auto which = tripped();
    if (!which) return which.error();
    return *which != nullptr;
  };
  o.looks_dark = [this]() -> Result<bool> {
    const auto current = instrument_->number(table_.measured_current);
    if (!current) return current.error();
    return std::abs(*current) <= table_.dark_current;
  };
  o.restore = [this] { return restore(); };
  o.link = [this] { return instrument_->link(); };
  o.generation = [this] { return instrument_->generation(); };
  return o;
}

Result<std::unique_ptr<LaserUnit>> LaserUnit::open(const scpi::Instrument::Connect& connect, const LaserTable& table,
                                                   std::optional<Amperes> limit, const Timing& timing) {
  auto instrument = scpi::Instrument::open(connect, {std::string(table.error_query), {}}, timing.exchange);
  if (!instrument) return std::move(instrument).error();
  std::unique_ptr<LaserUnit> unit(new LaserUnit(table, timing, *std::move(instrument)));
  if (auto dark = unit->light_.start(); !dark) return std::move(dark).error();
  if (auto ok = unit->read_settings(limit); !ok) return std::move(ok).error();
  unit->instrument_->listen([u = unit.get()](hal::Link now) { u->light_.link_changed(now); });
  return unit;
}

Result<void> LaserUnit::read_settings(std::optional<Amperes> limit) {
  if (limit) {
    limit_ = *limit;
    if (auto ok = write_limit(); !ok) return ok;
  } else {
    const auto own = instrument_->number(table_.current_limit.query);
    if (!own) return own.error();
    if (!(*own > 0)) return error(Code::protocol, fmt::format("its current limit is {} A: set it with limit=", *own));
    limit_ = {*own};
  }
  const auto current = instrument_->number(table_.current.query);
  if (!current) return current.error();
  const auto temperature = instrument_->number(table_.temperature.query);
  if (!temperature) return temperature.error();
  const std::lock_guard lock(wanted_mutex_);
  wanted_current_ = {std::clamp(*current, 0.0, limit_.value)};
  wanted_temperature_ = {*temperature};
  return {};
}

/// On the switch's thread, after a replug, with the laser off.
Result<void> LaserUnit::restore() {
  Celsius temperature;
  Amperes current;
  {
    const std::lock_guard lock(wanted_mutex_);
    temperature = wanted_temperature_;
    current = wanted_current_;
  }
  if (auto ok = write_limit(); !ok) return ok;
  if (auto ok = instrument_->set(command(table_.temperature.set, temperature.value)); !ok) return ok;
  return write_current(current);
}

Error LaserUnit::error(Code code, std::string message) const {
  return {code, std::move(message), instrument_->identity().serial, 0, {}};
}

Amperes LaserUnit::wanted_current() const {
  const std::lock_guard lock(wanted_mutex_);
  return wanted_current_;
}

/// Never above what this program was started with, whatever somebody turned at the panel meanwhile.
Result<void> LaserUnit::write_limit() {
  if (auto ok = instrument_->set(command(table_.current_limit.set, limit_.value)); !ok) return ok;
  const auto now = instrument_->number(table_.current_limit.query);
  if (!now) return now.error();
  if (std::abs(*now - limit_.value) <= 1e-3 * limit_.value) return {};
  return error(Code::hardware_fault,
               fmt::format("its current limit is {} A after it was set to {} A", *now, limit_.value));
}

Result<void> LaserUnit::check_current(Amperes current) const {
  if (current >= Amperes{0} && current <= limit_) return {};
  return error(Code::out_of_range, fmt::format("{} A is outside 0..{} A", current.value, limit_.value));
}

Result<void> LaserUnit::write_current(Amperes current) {
  return instrument_->set(command(table_.current.set, current.value));
}

Result<void> LaserUnit::set_current(Amperes current) {
  if (auto ok = light_.ready(); !ok) return ok;
  if (auto ok = check_current(current); !ok) return ok;
  const auto limit = current_limit();  // somebody may have turned it down at the panel
  if (!limit) return limit.error();
  if (current > *limit)
    return error(Code::out_of_range,
                 fmt::format("{} A is above the instrument's limit of {} A", current.value, limit->value));
  if (auto ok = write_current(current); !ok) return ok;
  const std::lock_guard lock(wanted_mutex_);
  wanted_current_ = current;
  return {};
}

template <class Quantity>
Result<Quantity> as(const Result<double>& value) {
  if (!value) return value.error();
  return Quantity{*value};
}

Result<Amperes> LaserUnit::current() {
  if (auto ok = light_.ready(); !ok) return ok.error();
  return as<Amperes>(instrument_->number(table_.current.query));
}

Result<Amperes> LaserUnit::measured_current() {
  if (auto ok = light_.ready(); !ok) return ok.error();
  return as<Amperes>(instrument_->number(table_.measured_current));
}

Result<Watts> LaserUnit::measured_power() {
  if (auto ok = light_.ready(); !ok) return ok.error();
  return as<Watts>(instrument_->number(table_.measured_power));
}

Result<Amperes> LaserUnit::current_limit() {
  if (auto ok = light_.ready(); !ok) return ok.error();
  return as<Amperes>(instrument_->number(table_.current_limit.query));
}

Result<void> LaserUnit::set_temperature(Celsius temperature) {
  if (auto ok = light_.ready(); !ok) return ok;
  if (!table_.temperatures.contains(temperature.value))
    return error(Code::out_of_range, fmt::format("{} C is outside {}..{} C", temperature.value, table_.temperatures.min,
                                                 table_.temperatures.max));
  if (auto ok = instrument_->set(command(table_.temperature.set, temperature.value)); !ok) return ok;
  const std::lock_guard lock(wanted_mutex_);
  wanted_temperature_ = temperature;
  return {};
}

Result<Celsius> LaserUnit::set_point() {
  if (auto ok = light_.ready(); !ok) return ok.error();
  return as<Celsius>(instrument_->number(table_.temperature.query));
}

Result<Celsius> LaserUnit::temperature() {
  if (auto ok = light_.ready(); !ok) return ok.error();
  return as<Celsius>(instrument_->number(table_.measured_temperature));
}

Result<bool> LaserUnit::cooler_on() {
  if (auto ok = light_.ready(); !ok) return ok.error();
  return instrument_->flag(table_.cooler_state);
}

Result<void> LaserUnit::set_cooler_on() {
  if (auto ok = light_.ready(); !ok) return ok;
  return instrument_->set(table_.cooler_on);
}

Result<void> LaserUnit::set_cooler_off() {
  if (auto ok = light_.ready(); !ok) return ok;
  const std::unique_lock way(way_to_light_, std::try_to_lock);
  const auto on = instrument_->flag(table_.laser_state);
  if (!on) return on.error();
  if (*on || !way || light_.lit())
    return error(Code::unsafe_state, "the laser is on and wants its cooler: switch the laser off first");
  light_.turn_off(std::chrono::milliseconds(0));  // armed meant: at its temperature
  return instrument_->set(table_.cooler_off);
}

Result<bool> LaserUnit::settled() {
  auto on = cooler_on();
  if (!on || !*on) return on;
  const auto wanted = set_point();
  if (!wanted) return wanted.error();
  const auto now = temperature();
  if (!now) return now.error();
  return std::abs(now->value - wanted->value) <= table_.temperature_tolerance;
}

Result<const Protection*> LaserUnit::tripped() {
  for (const Protection& protection : table_.protections) {
    const auto is = instrument_->flag(protection.tripped);
    if (!is) return is.error();
    if (*is) return &protection;
  }
  return nullptr;
}

}  // namespace nicol::scpi_laser
