// SPDX-License-Identifier: Apache-2.0
#include "drivers/pm100/meter.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "drivers/hal/properties.hpp"

namespace nicol::pm100 {
namespace {

using Clock = std::chrono::steady_clock;
constexpr const Setting* kSettings[] = {&kWavelength, &kBeamDiameter};
constexpr double kRounding = 1e-4;  // of a setting, when it is read back

const Setting* setting(std::string_view key) {
  for (const Setting* s : kSettings)
    if (s->key == key) return s;
  return nullptr;
}

}  // namespace

Meter::Meter(const Timing& timing, std::unique_ptr<scpi::Instrument> instrument)
    : timing_(timing), instrument_(std::move(instrument)), generation_(instrument_->generation()) {}

Meter::~Meter() = default;

Result<std::unique_ptr<Meter>> Meter::open(const scpi::Instrument::Connect& connect, const Timing& timing) {
  auto instrument = scpi::Instrument::open(connect, {std::string(kErrorQuery), {}}, timing.exchange);
  if (!instrument) return std::move(instrument).error();
  std::unique_ptr<Meter> meter(new Meter(timing, *std::move(instrument)));
  if (auto ok = meter->read_settings(); !ok) return std::move(ok).error();
  return meter;
}

Result<void> Meter::read_settings() {
  for (const Setting* s : kSettings) {
    double values[3] = {};
    const std::string_view queries[] = {s->query, s->least, s->most};
    for (std::size_t i = 0; i < 3; ++i) {
      const auto value = instrument_->number(queries[i]);
      if (!value) return value.error();
      values[i] = *value;
    }
    if (!(values[1] < values[2]))
      return error(Code::protocol, fmt::format("the sensor's {} runs from {} to {} {}: is a sensor plugged in?",
                                               s->name, values[1], values[2], s->units));
    properties_.push_back({std::string(s->key),
                           std::string(s->name),
                           std::string(s->description),
                           std::string(s->units),
                           hal::ArgType::real,
                           hal::Range{values[1], values[2], 0},
                           {},
                           hal::Access::persistent});
    wanted_.emplace(s->key, values[0]);
  }
  return {};
}

Error Meter::error(Code code, std::string message) const {
  return {code, std::move(message), instrument_->identity().serial, 0, {}};
}

/// After a replug its settings come first: the meter lives on its cable.
Result<void> Meter::ready() {
  if (link() == hal::Link::disconnected) return hal::disconnected_error(*this);
  const std::lock_guard lock(mutex_);
  const std::uint64_t generation = instrument_->generation();
  if (generation_ == generation) return {};
  for (const Setting* s : kSettings)
    if (auto ok = write(*s, std::get<double>(wanted_.find(s->key)->second)); !ok) return ok;
  generation_ = generation;
  return {};
}

Result<void> Meter::write(const Setting& s, double value) {
  if (auto ok = instrument_->set(fmt::format(fmt::runtime(s.set), value)); !ok) return ok;
  const auto now = instrument_->number(s.query);
  if (!now) return now.error();
  if (std::abs(*now - value) <= kRounding * std::abs(value)) return {};
  return error(Code::hardware_fault,
               fmt::format("its {} is {} {} after it was set to {} {}", s.name, *now, s.units, value, s.units));
}

hal::DeviceInfo Meter::info() const {
  const scpi::Identity& who = instrument_->identity();
  return {"pm100", who.vendor, who.model, who.serial, who.firmware, instrument_->port()};
}

Result<hal::Value> Meter::read_property(std::string_view key) {
  if (auto ok = ready(); !ok) return ok.error();
  const Setting* const s = setting(key);
  if (s == nullptr) return Device::read_property(key);
  const auto value = instrument_->number(s->query);
  if (!value) return value.error();
  return hal::Value{*value};
}

Result<void> Meter::write_property(std::string_view key, const hal::Value& value) {
  if (auto ok = ready(); !ok) return ok;
  const Setting* const s = setting(key);
  if (s == nullptr) return Device::write_property(key, value);
  if (auto ok = hal::check_value(*hal::find_property(properties_, key), value); !ok) return ok;
  if (auto ok = write(*s, std::get<double>(value)); !ok) return ok;
  const std::lock_guard lock(mutex_);
  wanted_.insert_or_assign(std::string(key), value);
  return {};
}

Result<std::vector<hal::SelfTestItem>> Meter::self_test(Deadline) {
  if (auto ok = ready(); !ok) return ok.error();
  const auto reply = instrument_->ask("*IDN?");
  if (!reply) return reply.error();
  const auto who = scpi::parse_identity(*reply);
  const auto reading = power();
  return std::vector<hal::SelfTestItem>{
      {"identity", who && who->serial == instrument_->identity().serial, *reply},
      {"sensor", reading.ok(), reading ? fmt::format("{} W", reading->value) : describe(reading.error())}};
}

Result<Watts> Meter::power() {
  if (auto ok = ready(); !ok) return ok.error();
  const auto value = instrument_->number(kPower);
  if (!value) return value.error();
  return Watts{*value};
}

Result<void> Meter::set_wavelength(Nanometres wavelength) {
  return write_property(kWavelength.key, hal::Value{wavelength.value});
}

Result<void> Meter::zero(Deadline deadline) {
  if (auto ok = ready(); !ok) return ok;
  if (Clock::now() >= deadline.at) return error(Code::timeout, "no time to zero the sensor in");
  if (auto ok = instrument_->set(kStartZero); !ok) return ok;
  for (;;) {
    const auto under_way = instrument_->flag(kZeroUnderWay);
    if (!under_way) return under_way.error();
    if (!*under_way) return {};
    if (Clock::now() >= deadline.at)
      return error(Code::timeout, "the zero adjustment takes too long: is the sensor covered?");
    std::this_thread::sleep_until(std::min(deadline.at, Clock::now() + timing_.look));
  }
}

}  // namespace nicol::pm100
