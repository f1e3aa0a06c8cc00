// SPDX-License-Identifier: Apache-2.0
#include "sim/emulators/scpi_laser.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace nicol::sim {
namespace {

constexpr std::size_t kMostTold = 1000;
constexpr double kCoolerLeast = 5, kCoolerMost = 70;

bool means_on(std::string_view text) { return text == "1" || text == "ON" || text == "on"; }
std::string flag(bool b) { return b ? "1" : "0"; }
std::string number(double value) { return fmt::format("{:.6E}", value); }

}  // namespace

ScpiLaserInstrument::ScpiLaserInstrument(ScpiLaserConfig config)
    : config_(std::move(config)),
      limit_(config_.limit),
      set_point_(config_.set_point),
      from_temperature_(config_.ambient),
      to_temperature_(config_.ambient) {}

std::string ScpiLaserInstrument::execute(std::string_view line, Picoseconds now) {
  std::string answers;
  for (const ScpiCommand& command : scpi_commands(line)) {
    const std::string answer = obey(command, now);
    if (!answer.empty()) answers += (answers.empty() ? "" : ";") + answer;
  }
  return answers;
}

std::string ScpiLaserInstrument::obey(const ScpiCommand& command, Picoseconds now) {
  if (command.is_query) return answer(command, now);
  set(command, now);
  return "";
}

std::string ScpiLaserInstrument::answer(const ScpiCommand& command, Picoseconds now) {
  const auto is = [&](std::string_view pattern) { return scpi_matches(pattern, command.header); };
  if (command.header == "*IDN") return fmt::format("Thorlabs,{},{},1.7.0", config_.model, config_.serial);
  if (is("SYSTem:ERRor[:NEXT]")) return errors_.take();
  if (is("OUTPut1[:STATe]")) return flag(on_);
  if (is("OUTPut2[:STATe]")) return flag(cooler_on_);
  if (is("OUTPut1:PROTection:KEYLock:TRIPped")) return flag(key_locked_);
  if (is("OUTPut1:PROTection:INTLock:TRIPped")) return flag(interlock_open_);
  if (is("SOURce1:CURRent[:LEVel][:IMMediate][:AMPLitude]")) return number(current_);
  if (is("SOURce1:CURRent:LIMit[:AMPLitude]")) return number(limit_);
  if (is("SOURce2:TEMPerature[:SPOint]")) return number(set_point_);
  if (is("MEASure[:SCALar]:CURRent1[:DC]")) {
    const bool echoes = config_.mutant == ScpiLaserMutant::echoes_current;
    return number(echoes ? current_ : current_at(now));
  }
  if (is("MEASure[:SCALar]:TEMPerature")) return number(temperature_at(now));
  if (is("MEASure[:SCALar]:POWer2")) return number(optical_power(now).value);
  errors_.put(-113, "Undefined header");
  return "";
}

void ScpiLaserInstrument::set(const ScpiCommand& command, Picoseconds now) {
  if (told_.size() < kMostTold) told_.push_back(command.header + " " + command.parameter);
  const auto is = [&](std::string_view pattern) { return scpi_matches(pattern, command.header); };
  if (command.header == "*CLS") return errors_.clear();
  if (is("OUTPut1[:STATe]")) return switch_laser(command.parameter, now);
  if (is("OUTPut2[:STATe]")) return switch_cooler(command.parameter, now);
  if (is("SOURce1:CURRent[:LEVel][:IMMediate][:AMPLitude]")) return set_within(current_, command.parameter, 0, limit_);
  if (is("SOURce1:CURRent:LIMit[:AMPLitude]")) return set_within(limit_, command.parameter, 0.001, config_.most);
  if (is("SOURce2:TEMPerature[:SPOint]")) {
    set_within(set_point_, command.parameter, kCoolerLeast, kCoolerMost);
    return aim_temperature(now);
  }
  errors_.put(-113, "Undefined header");
}

void ScpiLaserInstrument::set_within(double& setting, const std::string& to, double least, double most) {
  const auto value = scpi_number(to);
  if (!value) return errors_.put(-104, "Data type error");
  if (*value < least || *value > most) return errors_.put(-222, "Data out of range");
  setting = *value;
}

void ScpiLaserInstrument::switch_laser(std::string_view to, Picoseconds now) {
  if (!means_on(to)) {
    if (config_.mutant != ScpiLaserMutant::ignores_off) go_off(now);
    return;
  }
  if (key_locked_ || interlock_open_ || !cooler_on_) return errors_.put(-221, "Settings conflict");
  if (on_) return;
  on_ = true;
  on_since_ = now;
  ++times_on_;
}

void ScpiLaserInstrument::switch_cooler(std::string_view to, Picoseconds now) {
  cooler_on_ = means_on(to);
  if (!cooler_on_) go_off(now);
  aim_temperature(now);
}

void ScpiLaserInstrument::aim_temperature(Picoseconds now) {
  from_temperature_ = temperature_at(now);
  to_temperature_ = cooler_on_ ? set_point_ : config_.ambient;
  aimed_at_ = now;
}

double ScpiLaserInstrument::temperature_at(Picoseconds t) const {
  const double gone = std::max(0.0, (t - aimed_at_).seconds());
  return to_temperature_ + (from_temperature_ - to_temperature_) * std::exp(-gone / config_.settling);
}

double ScpiLaserInstrument::current_at(Picoseconds t) const {
  return on_ && (t - on_since_).seconds() >= config_.soft_start ? current_ : 0;
}

Watts ScpiLaserInstrument::optical_power(Picoseconds t) const {
  return {config_.watts_per_ampere * std::max(0.0, current_at(t) - config_.threshold)};
}

void ScpiLaserInstrument::go_off(Picoseconds now) {
  on_ = false;
  on_since_ = now;
}

void ScpiLaserInstrument::lock_key(Picoseconds now) {
  key_locked_ = true;
  go_off(now);
}

void ScpiLaserInstrument::open_interlock(Picoseconds now) {
  interlock_open_ = true;
  go_off(now);
}

void ScpiLaserInstrument::cycle_mains(Picoseconds now) {
  go_off(now);
  cooler_on_ = false;
  current_ = 0;
  set_point_ = config_.set_point;
  errors_.clear();
  aim_temperature(now);
}

ScpiLaserEmulator::ScpiLaserEmulator(const ScpiLaserConfig& config)
    : laser(config),
      usb(laser, UsbTmcConfig{0x1313, config.product_id, config.model, "Thorlabs", config.serial, true, 1 << 20}) {}

}  // namespace nicol::sim
