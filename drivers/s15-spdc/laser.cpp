// SPDX-License-Identifier: Apache-2.0
#include "drivers/s15-spdc/laser.hpp"

#include <fmt/format.h>

namespace nicol::s15_spdc {
namespace {

constexpr const char* kWorkingCurrent = "current";
constexpr double kMilli = 1000;
/// Longer than the whole way takes, from nothing to the highest limit and with an answer to each step.
constexpr std::chrono::seconds kWholeWay{15};

Amperes amperes(double milliamperes) { return {milliamperes / kMilli}; }

}  // namespace

Laser::Laser(Board& board)
    : board_(board),
      properties_{{kWorkingCurrent,
                   "working current",
                   "where enabling goes to",
                   "mA",
                   hal::ArgType::real,
                   hal::Range{0, board.known_limit(), 0},
                   {},
                   hal::Access::persistent}} {}

Laser::~Laser() { board_.light().turn_off(scpi_laser::kDisablePatience); }

hal::DeviceInfo Laser::info() const {
  return {"s15-spdc", "S-Fifteen Instruments", "SPDC driver laser", board_.serial(), board_.identity(), board_.port()};
}

Result<hal::Value> Laser::read_property(std::string_view key) {
  if (link() == hal::Link::disconnected) return hal::disconnected_error(*this);
  if (key != kWorkingCurrent) return Device::read_property(key);
  const auto now = board_.current();
  if (!now) return now.error();
  return hal::Value{*now};
}

Result<void> Laser::write_property(std::string_view key, const hal::Value& value) {
  if (link() == hal::Link::disconnected) return hal::disconnected_error(*this);
  const hal::ArgInfo* property = hal::find_property(properties(), key);
  if (property == nullptr) return Device::write_property(key, value);
  if (auto ok = hal::check_value(*property, value); !ok) return ok;
  return board_.ramp(std::get<double>(value), kMilli, SteadyDeadlines().in(kWholeWay));
}

Result<std::vector<hal::SelfTestItem>> Laser::self_test(Deadline) {
  if (auto ok = light().ready(); !ok) return ok.error();
  const auto identity = board_.ask("*IDN?");
  if (!identity) return identity.error();
  const auto limit = board_.number(kCurrentLimit);
  if (!limit) return limit.error();
  const auto state = emission();
  if (!state) return state.error();
  return std::vector<hal::SelfTestItem>{
      {"identity", *identity == board_.identity(), *identity},
      {"limit", *limit <= board_.known_limit(), fmt::format("{} mA", *limit)},
      {"output", *state != hal::EmissionState::unknown, std::string(hal::to_string(*state))}};
}

hal::SourceCaps Laser::caps() const {
  hal::SourceCaps caps;
  caps.source = hal::SourceKind::pump;
  caps.record = hal::PreparationRecord::twin_photon;
  caps.self_safing = false;
  caps.has_interlock = false;
  return caps;
}

Result<hal::InterlockState> Laser::interlock() {
  if (link() == hal::Link::disconnected) return hal::disconnected_error(*this);
  return hal::InterlockState::absent;
}

Result<void> Laser::arm(hal::ArmToken) { return board_.arm(); }

Result<void> Laser::enable_emission() {
  if (link() == hal::Link::disconnected) return hal::disconnected_error(*this);
  if (auto ok = refuse_without_level(); !ok) return ok;
  return board_.enable();
}

Result<void> Laser::set_current(Amperes current) {
  return board_.ramp(current.value * kMilli, kMilli, SteadyDeadlines().in(kWholeWay));
}

Result<Amperes> Laser::current() {
  const auto now = board_.current();
  if (!now) return now.error();
  return amperes(*now);
}

Result<Amperes> Laser::current_limit() {
  if (auto ok = light().ready(); !ok) return ok.error();
  const auto now = board_.number(kCurrentLimit);
  if (!now) return now.error();
  return amperes(*now);
}

Result<void> Laser::set_temperature(Celsius temperature) {
  if (!kLaserTec.temperatures.contains(temperature.value) && link() != hal::Link::disconnected)
    return board_.error(Code::out_of_range, fmt::format("{} C is outside {}..{} C", temperature.value,
                                                        kLaserTec.temperatures.min, kLaserTec.temperatures.max));
  return board_.set(kLaserTec.set_point, temperature.value);
}

Result<Celsius> Laser::temperature() {
  if (auto ok = light().ready(); !ok) return ok.error();
  const auto now = board_.number(kLaserTec.temperature);
  if (!now) return now.error();
  return Celsius{*now};
}

Result<void> Laser::ramp(Amperes to, Amperes per_second, Deadline deadline) {
  return board_.ramp(to.value * kMilli, per_second.value * kMilli, deadline);
}

}  // namespace nicol::s15_spdc
