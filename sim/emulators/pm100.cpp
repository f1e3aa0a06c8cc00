// SPDX-License-Identifier: Apache-2.0
#include "sim/emulators/pm100.hpp"

#include <fmt/core.h>

namespace nicol::sim {
namespace {

constexpr double kBeamLeast = 0.1, kBeamMost = 50;  // mm
std::string number(double value) { return fmt::format("{:.8E}", value); }

}  // namespace

Pm100Instrument::Pm100Instrument(Pm100Config config) : config_(std::move(config)) {}

std::string Pm100Instrument::execute(std::string_view line, Picoseconds now) {
  settle(now);
  std::string answers;
  for (const ScpiCommand& command : scpi_commands(line)) {
    if (!command.is_query) {
      set(command, now);
      continue;
    }
    const std::string one = answer(command, now);
    if (!one.empty()) answers += (answers.empty() ? "" : ";") + one;
  }
  return answers;
}

void Pm100Instrument::settle(Picoseconds now) {
  if (!zeroing_ || now < done_at_) return;
  zeroing_ = false;
  ++zeroed_;
  if (config_.mutant != Pm100Mutant::ignores_zero) zero_ = light_ + config_.offset;
}

std::string Pm100Instrument::setting(const std::string& which, double value, double least, double most) const {
  if (which == "MIN") return number(least);
  if (which == "MAX") return number(most);
  return number(value);
}

std::string Pm100Instrument::answer(const ScpiCommand& command, Picoseconds) {
  const auto is = [&](std::string_view pattern) { return scpi_matches(pattern, command.header); };
  if (command.header == "*IDN") return fmt::format("Thorlabs,{},{},2.4.0", config_.model, config_.serial);
  if (is("SYSTem:ERRor[:NEXT]")) return errors_.take();
  if (is("MEASure[:SCALar][:POWer]")) return number(light_ + config_.offset - zero_);
  if (is("SENSe1:CORRection:WAVelength"))
    return setting(command.parameter, wavelength_, config_.shortest, config_.longest);
  if (is("SENSe1:CORRection:BEAMdiameter")) return setting(command.parameter, beam_, kBeamLeast, kBeamMost);
  if (is("SENSe1:CORRection:COLLect:ZERO:STATe")) return zeroing_ ? "1" : "0";
  if (is("SENSe1:CORRection:COLLect:ZERO:MAGNitude")) return number(zero_);
  errors_.put(-113, "Undefined header");
  return "";
}

void Pm100Instrument::set(const ScpiCommand& command, Picoseconds now) {
  const auto is = [&](std::string_view pattern) { return scpi_matches(pattern, command.header); };
  const bool wavelength = is("SENSe1:CORRection:WAVelength"), beam = is("SENSe1:CORRection:BEAMdiameter");
  if (is("SENSe1:CORRection:COLLect:ZERO[:INITiate]")) {
    zeroing_ = true;
    done_at_ = now + Picoseconds::seconds(config_.zeroing);
  } else if (command.header == "*CLS") {
    errors_.clear();
  } else if (wavelength || beam) {
    const auto value = scpi_number(command.parameter);
    const double least = wavelength ? config_.shortest : kBeamLeast, most = wavelength ? config_.longest : kBeamMost;
    if (!value) return errors_.put(-104, "Data type error");
    if (*value < least || *value > most) return errors_.put(-222, "Data out of range");
    if (wavelength && config_.mutant == Pm100Mutant::ignores_wavelength) return;
    (wavelength ? wavelength_ : beam_) = *value;
  } else {
    errors_.put(-113, "Undefined header");
  }
}

void Pm100Instrument::cable_pulled() {
  wavelength_ = 635;
  beam_ = 5;
  zeroing_ = false;
  errors_.clear();
}

Pm100Emulator::Pm100Emulator(const Pm100Config& config)
    : meter(config), usb(meter, UsbTmcConfig{0x1313, 0x8078, config.model, "Thorlabs", config.serial, true, 1 << 20}) {}

}  // namespace nicol::sim
