// SPDX-License-Identifier: Apache-2.0
#include "drivers/scpi-laser/pulser_table.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "drivers/scpi/replies.hpp"

namespace nicol::scpi_laser {
namespace {

using hal::ArgType;

constexpr std::string_view kModes[] = {"NORM", "SING", "BURS", "DCYC"};
constexpr std::string_view kPolarities[] = {"NORM", "INV"};

constexpr PulserSetting kWhole[] = {
    {"period", "period", "s", ":PULSE0:PER {1}", ":PULSE0:PER?", ArgType::real, {1e-7, 5000, 0}, {}},
    {"mode", "mode", "", ":PULSE0:MOD {1}", ":PULSE0:MOD?", ArgType::text, {}, kModes},
};
constexpr PulserSetting kChannel[] = {
    {"enabled", "enabled", "", ":PULSE{0}:STAT {1}", ":PULSE{0}:STAT?", ArgType::boolean, {}, {}},
    {"width", "pulse width", "s", ":PULSE{0}:WIDT {1}", ":PULSE{0}:WIDT?", ArgType::real, {1e-8, 999, 0}, {}},
    {"delay", "delay", "s", ":PULSE{0}:DEL {1}", ":PULSE{0}:DEL?", ArgType::real, {0, 999, 0}, {}},
    {"polarity", "polarity", "", ":PULSE{0}:POL {1}", ":PULSE{0}:POL?", ArgType::text, {}, kPolarities},
    {"amplitude", "amplitude", "V", ":PULSE{0}:OUTP:AMPL {1}", ":PULSE{0}:OUTP:AMPL?", ArgType::real, {2, 20, 0}, {}},
};

constexpr PulserTable quantum_composers(std::string_view model) {
  PulserTable t;
  t.model = model;
  t.vendor = "Quantum Composers";
  t.baud = 38'400;
  t.terminator = "\r\n";
  t.acknowledge = "ok";
  t.error_prefix = "?";
  t.on = ":PULSE0:STAT ON";
  t.off = ":PULSE0:STAT OFF";
  t.state = ":PULSE0:STAT?";
  t.period_key = "period";
  t.whole = kWhole;
  t.channel = kChannel;
  return t;
}

constexpr PulserTable kTables[] = {quantum_composers("9530"), quantum_composers("9520")};

std::string as_sent(const hal::Value& value) {
  if (const bool* on = std::get_if<bool>(&value)) return *on ? "ON" : "OFF";
  if (const double* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  return std::get<std::string>(value);
}

}  // namespace

std::span<const PulserTable> pulser_tables() { return kTables; }

const PulserTable* pulser_table(std::string_view model) noexcept {
  const auto it = std::ranges::find(kTables, model, &PulserTable::model);
  return it == std::end(kTables) ? nullptr : it;
}

std::string PulserProperty::query() const { return fmt::format(fmt::runtime(setting->query), channel); }

std::string PulserProperty::command(const hal::Value& value) const {
  return fmt::format(fmt::runtime(setting->set), channel, as_sent(value));
}

Result<hal::Value> PulserProperty::parse(std::string_view reply) const {
  if (setting->type == ArgType::text) {
    const auto known = std::ranges::find(setting->options, reply);
    if (known != setting->options.end()) return hal::Value{std::string(reply)};
    return Error{Code::protocol, fmt::format("\"{}\" was answered with \"{}\"", query(), reply.substr(0, 64))};
  }
  if (setting->type == ArgType::boolean) {
    const auto flag = scpi::parse_flag(reply);
    if (!flag) return flag.error();
    return hal::Value{*flag};
  }
  const auto number = scpi::parse_number(reply);
  if (!number) return number.error();
  return hal::Value{*number};
}

std::vector<PulserProperty> properties_of(const PulserTable& table, int channels) {
  std::vector<PulserProperty> out;
  for (const PulserSetting& setting : table.whole) out.push_back({&setting, 0});
  for (int channel = 1; channel <= channels; ++channel)
    for (const PulserSetting& setting : table.channel) out.push_back({&setting, channel});
  return out;
}

std::vector<hal::ArgInfo> arg_infos(std::span<const PulserProperty> properties) {
  std::vector<hal::ArgInfo> out;
  for (const PulserProperty& p : properties) {
    hal::ArgInfo info;
    info.key = p.channel == 0 ? std::string(p.setting->key) : fmt::format("ch{}.{}", p.channel, p.setting->key);
    info.name =
        p.channel == 0 ? std::string(p.setting->name) : fmt::format("channel {} {}", p.channel, p.setting->name);
    info.units = p.setting->units;
    info.type = p.setting->type;
    if (info.type == hal::ArgType::real) info.range = p.setting->range;
    info.options.assign(p.setting->options.begin(), p.setting->options.end());
    info.access = hal::Access::persistent;
    out.push_back(std::move(info));
  }
  return out;
}

}  // namespace nicol::scpi_laser
