// SPDX-License-Identifier: Apache-2.0
#include "drivers/scpi-laser/laser.hpp"

#include <fmt/core.h>

namespace nicol::scpi_laser {
namespace {

constexpr const char* kCurrent = "current";
constexpr const char* kRampRate = "ramp_rate";
constexpr const char* kMeasuredCurrent = "measured_current";
constexpr const char* kMeasuredPower = "measured_power";
constexpr double kRampSeconds = 4;  // default: from nothing to the limit

using hal::Access;
using hal::ArgType;

hal::ArgInfo real(const char* key, const char* name, const char* description, const char* units,
                  std::optional<hal::Range> range, Access access) {
  return {key, name, description, units, ArgType::real, range, {}, access};
}

std::vector<hal::ArgInfo> properties_up_to(Amperes limit) {
  return {real(kCurrent, "working current", "reached by a ramp when emission is enabled", "A",
               hal::Range{0, limit.value, 0}, Access::persistent),
          real(kRampRate, "ramp rate", "of the current when emission is enabled", "A/s",
               hal::Range{limit.value / 1000, limit.value * 10, 0}, Access::persistent),
          real(kMeasuredCurrent, "measured current", "through the diode, as the instrument measures it", "A",
               std::nullopt, Access::read_only),
          real(kMeasuredPower, "measured power", "of the diode's own monitor, as the instrument measures it", "W",
               std::nullopt, Access::read_only)};
}

template <class Quantity>
Result<hal::Value> as_value(const Result<Quantity>& quantity) {
  if (!quantity) return quantity.error();
  return hal::Value{quantity->value};
}

}  // namespace

hal::DeviceInfo info_of(const LaserUnit& unit, std::string_view model_suffix) {
  const scpi::Identity& who = unit.instrument().identity();
  return {"scpi-laser", who.vendor,   who.model + std::string(model_suffix),
          who.serial,   who.firmware, unit.instrument().port()};
}

Laser::Laser(LaserUnit& unit)
    : unit_(unit),
      properties_(properties_up_to(unit.known_limit())),
      ramp_rate_(unit.known_limit().value / kRampSeconds) {}

Laser::~Laser() { unit_.light().turn_off(kDisablePatience); }

hal::DeviceInfo Laser::info() const { return info_of(unit_, ""); }

Result<hal::Value> Laser::read_property(std::string_view key) {
  if (link() == hal::Link::disconnected) return hal::disconnected_error(*this);
  if (key == kCurrent) return as_value(unit_.current());
  if (key == kRampRate) return hal::Value{ramp_rate_.load()};
  if (key == kMeasuredCurrent) return as_value(unit_.measured_current());
  if (key == kMeasuredPower) return as_value(unit_.measured_power());
  return Device::read_property(key);
}

Result<void> Laser::write_property(std::string_view key, const hal::Value& value) {
  if (link() == hal::Link::disconnected) return hal::disconnected_error(*this);
  const hal::ArgInfo* property = hal::find_property(properties(), key);
  if (property == nullptr) return Device::write_property(key, value);
  if (auto ok = hal::check_value(*property, value); !ok) return ok;
  if (key == kCurrent) return set_current({std::get<double>(value)});
  ramp_rate_ = std::get<double>(value);
  return {};
}

Result<std::vector<hal::SelfTestItem>> Laser::self_test(Deadline) {
  if (auto ok = light().ready(); !ok) return ok.error();
  const auto reply = unit_.instrument().ask("*IDN?");
  if (!reply) return reply.error();
  const auto who = scpi::parse_identity(*reply);
  const auto which = unit_.tripped();
  if (!which) return which.error();
  const auto state = emission();
  if (!state) return state.error();
  const auto limit = current_limit();
  if (!limit) return limit.error();
  return std::vector<hal::SelfTestItem>{
      {"identity", who && who->serial == info().serial, *reply},
      {"interlock", *which == nullptr, *which == nullptr ? "closed" : std::string((*which)->name)},
      {"output", *state != hal::EmissionState::unknown,
       *state == hal::EmissionState::unknown ? "off by its own word, yet it measures a current"
                                             : std::string(hal::to_string(*state))},
      {"limit", *limit <= unit_.known_limit(), fmt::format("{} A", limit->value)}};
}

hal::SourceCaps Laser::caps() const {
  hal::SourceCaps caps;
  caps.source = hal::SourceKind::pump;
  caps.record = hal::PreparationRecord::twin_photon;
  caps.self_safing = false;
  caps.has_interlock = !unit_.table().protections.empty();
  return caps;
}

Result<hal::InterlockState> Laser::interlock() {
  if (auto ok = light().ready(); !ok) return ok.error();
  if (unit_.table().protections.empty()) return hal::InterlockState::absent;
  const auto which = unit_.tripped();
  if (!which) return which.error();
  return *which == nullptr ? hal::InterlockState::closed : hal::InterlockState::open;
}

Result<void> Laser::arm(hal::ArmToken) { return unit_.arm(); }

Result<void> Laser::enable_emission() {
  if (link() == hal::Link::disconnected) return hal::disconnected_error(*this);
  if (auto ok = refuse_without_level(); !ok) return ok;
  return unit_.enable({ramp_rate_.load()});
}

}  // namespace nicol::scpi_laser
