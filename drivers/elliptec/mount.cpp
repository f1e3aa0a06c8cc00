// SPDX-License-Identifier: Apache-2.0
// The mount as a device: identity, settings, self-test, and coming back after the cable was pulled.
#include "drivers/elliptec/mount.hpp"

#include <fmt/core.h>

#include <array>
#include <cmath>

#include "drivers/elliptec/status.hpp"
#include "drivers/hal/properties.hpp"

namespace nicol::elliptec {
namespace {

constexpr const char* kVelocity = "velocity";
constexpr const char* kHomeOffset = "home_offset";
constexpr std::int64_t kSlowest = 45;  // percent; between 25 and 45 some mounts stall
constexpr Angle kFastest = Angle::degrees(430);

const std::array<hal::ArgInfo, 2>& settings() {
  static const std::array<hal::ArgInfo, 2> infos{
      hal::ArgInfo{kVelocity,
                   "velocity",
                   "of moves that start from now on, as part of the largest",
                   "%",
                   hal::ArgType::integer,
                   hal::Range{kSlowest, 100, 1},
                   {},
                   hal::Access::persistent},
      hal::ArgInfo{kHomeOffset,
                   "home offset",
                   "where zero is, from the mount's mark; counts from the next homing",
                   "deg",
                   hal::ArgType::real,
                   hal::Range{-360, 360, 0},
                   {},
                   hal::Access::persistent}};
  return infos;
}

}  // namespace

Mount::Mount(Bus& bus, char address, Identity identity)
    : bus_(&bus),
      identity_(std::move(identity)),
      scale_(identity_.pulses_per_turn),
      address_(address),
      generation_(bus.generation()) {
  bus.mounts.fetch_add(1);
}

Mount::~Mount() {
  move_.reset();
  bus_->mounts.fetch_sub(1);
}

Result<std::unique_ptr<Mount>> Mount::make(Bus& bus, char address, const Identity& identity) {
  if (identity.type != kRotaryMount)
    return Error{
        Code::not_supported,
        fmt::format("the module at address {} is of type {:02X}; this driver knows the rotary mounts ELL14 and "
                    "ELL14K (0E)",
                    address, identity.type),
        identity.serial};
  std::unique_ptr<Mount> mount(new Mount(bus, address, identity));
  const std::lock_guard lock(mount->mutex_);
  const auto velocity = mount->ask_velocity();
  if (!velocity) return velocity.error();
  const auto offset = mount->read_counts(request::home_offset(address), "HO");
  if (!offset) return offset.error();
  mount->home_offset_ = *offset;
  if (*velocity < kSlowest)
    if (auto ok = mount->apply_velocity(kSlowest); !ok) return ok.error();
  return mount;
}

Error Mount::error(Code code, std::string message) const {
  return {code, std::move(message), identity_.serial, native_, {}};
}

hal::DeviceInfo Mount::info() const {
  return {"elliptec",       "Thorlabs", "ELL14", identity_.serial, fmt::format("{:02X}", identity_.firmware),
          bus_->info().port};
}

std::span<const hal::ArgInfo> Mount::properties() const { return settings(); }

Result<void> Mount::ready() {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  if (generation_ == bus_->generation()) return {};
  return come_back();
}

Result<void> Mount::come_back() {
  if (move_) end(error(Code::disconnected, "the cable was pulled during the move: home before the next"));
  homed_ = fault_ = false;
  turns_ = 0;
  const std::uint64_t generation = bus_->generation();
  if (auto ok = find_again(); !ok) return ok;
  if (auto ok = restore_settings(); !ok) return ok;
  generation_ = generation;
  return {};
}

Result<void> Mount::find_again() {
  const Deadline deadline{Clock::now() + bus_->timing().rest_after_silence + 20 * bus_->timing().probe};
  auto here = bus_->identify(address_, bus_->timing().reply, deadline);
  if (!here) return std::move(here).error();
  if (*here && (*here)->serial == identity_.serial) return {};
  for (const char address : kAddresses) {
    auto found = bus_->identify(address, bus_->timing().probe, deadline);
    if (!found) return std::move(found).error();
    if (!*found || (*found)->serial != identity_.serial) continue;
    address_ = address;
    return {};
  }
  return error(Code::not_found, fmt::format("mount {} is not on {} any more: is it powered and wired to this adapter?",
                                            identity_.serial, bus_->info().port));
}

Result<void> Mount::restore_settings() {
  if (auto ok = set(request::set_velocity(address_, static_cast<std::uint8_t>(velocity_))); !ok) return ok;
  return set(request::set_home_offset(address_, home_offset_));
}

Result<void> Mount::check_status() {
  // Reading the status clears it: an old complaint is gone with the second look.
  for (int look = 0;; ++look) {
    const auto reply = bus_->ask(request::status(address_), {address_, "GS"});
    if (!reply) return reply.error();
    native_ = status_code(*reply).value_or(kOk);
    if (native_ == kOk || native_ == kBusy || look == 1)
      return status_result(static_cast<std::uint8_t>(native_), identity_.serial);
  }
}

Result<std::int32_t> Mount::read_counts(const std::string& request, std::string_view kind) {
  const auto reply = bus_->ask(request, {address_, kind});
  if (!reply) return reply.error();
  if (const auto code = status_code(*reply)) {
    native_ = *code;
    return status_result(*code, identity_.serial).error();
  }
  return *parse_counts(reply->data);
}

Result<void> Mount::set(const std::string& request) {
  const auto reply = bus_->ask(request, {address_, "GS"});
  if (!reply) return reply.error();
  native_ = status_code(*reply).value_or(kOk);
  return status_result(static_cast<std::uint8_t>(native_), identity_.serial);
}

Result<std::int64_t> Mount::ask_velocity() {
  const auto reply = bus_->ask(request::velocity(address_), {address_, "GV"});
  if (!reply) return reply.error();
  if (const auto code = status_code(*reply)) return status_result(*code, identity_.serial).error();
  velocity_ = *parse_counts("000000" + reply->data);
  return velocity_;
}

Result<void> Mount::apply_velocity(std::int64_t percent) {
  if (auto ok = set(request::set_velocity(address_, static_cast<std::uint8_t>(percent))); !ok) return ok;
  velocity_ = percent;
  return {};
}

Result<void> Mount::apply_home_offset(Angle offset) {
  const auto counts = scale_.counts(offset);
  if (!counts) return counts.error();
  if (*counts == home_offset_) return {};
  if (auto ok = set(request::set_home_offset(address_, *counts)); !ok) return ok;
  home_offset_ = *counts;
  homed_ = false;
  return {};
}

Result<hal::Value> Mount::read_property(std::string_view key) {
  const std::lock_guard lock(mutex_);
  if (auto ok = ready(); !ok) return ok.error();
  progress();
  if (key == kVelocity) {
    if (move_) return hal::Value{velocity_};
    const auto percent = ask_velocity();
    if (!percent) return percent.error();
    return hal::Value{*percent};
  }
  if (key == kHomeOffset) {
    if (move_) return hal::Value{scale_.angle(home_offset_).degrees()};
    const auto counts = read_counts(request::home_offset(address_), "HO");
    if (!counts) return counts.error();
    return hal::Value{*counts * 360.0 / scale_.pulses_per_turn()};
  }
  return Device::read_property(key);
}

Result<void> Mount::write_property(std::string_view key, const hal::Value& value) {
  const std::lock_guard lock(mutex_);
  if (auto ok = ready(); !ok) return ok;
  const hal::ArgInfo* property = hal::find_property(properties(), key);
  if (property == nullptr) return Device::write_property(key, value);
  if (auto ok = hal::check_value(*property, value); !ok) return ok;
  progress();
  if (auto ok = refuse_while_moving(); !ok) return ok;
  if (key == kVelocity) return apply_velocity(std::get<std::int64_t>(value));
  return apply_home_offset(Angle::degrees(std::get<double>(value)));
}

Result<std::vector<hal::SelfTestItem>> Mount::self_test(Deadline deadline) {
  const std::lock_guard lock(mutex_);
  if (auto ok = ready(); !ok) return ok.error();
  progress();
  if (auto ok = refuse_while_moving(); !ok) return ok.error();
  std::vector<hal::SelfTestItem> items;
  const auto identity = bus_->identify(address_, bus_->timing().reply, deadline);
  if (!identity) return identity.error();
  items.push_back({"identity", *identity && **identity == identity_,
                   *identity ? fmt::format("ELL14 {}", (*identity)->serial) : "no answer"});
  const auto status = check_status();
  if (!status && status.error().code == Code::disconnected) return status.error();
  items.push_back({"status", status.ok(), status.ok() ? "ok" : describe(status.error())});
  for (const int number : {1, 2}) {
    const auto reply = bus_->ask(request::motor(address_, number), {address_, fmt::format("I{}", number)});
    if (!reply) return reply.error();
    const auto motor = parse_motor(*reply);
    if (!motor) return motor.error();
    const bool plausible = motor->forward_hz > 50e3 && motor->forward_hz < 150e3 && motor->backward_hz > 50e3 &&
                           motor->backward_hz < 150e3;
    items.push_back({fmt::format("motor {}", number), plausible,
                     fmt::format("{:.2f} A, {:.1f} kHz forward, {:.1f} kHz backward", motor->amperes,
                                 motor->forward_hz / 1e3, motor->backward_hz / 1e3)});
  }
  return items;
}

hal::AxisInfo Mount::axis() const {
  hal::AxisInfo info;
  info.counts_per_degree = scale_.counts_per_degree();
  info.resolution = scale_.angle(1);
  info.repeatability = Angle::degrees(0.05);
  info.max_velocity = kFastest;
  info.can_set_velocity = true;
  return info;
}

Result<void> Mount::set_velocity(Angle per_second) {
  const double percent = 100 * per_second.degrees() / kFastest.degrees();
  const bool possible = percent >= kSlowest - 0.5 && percent < 100.5;  // false for NaN
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  if (!possible)
    return error(Code::out_of_range,
                 fmt::format("{:.1f} deg/s is outside {:.1f}..{:.1f} deg/s ({} % or more, so that the motor does not "
                             "stall)",
                             per_second.degrees(), kFastest.degrees() * kSlowest / 100, kFastest.degrees(), kSlowest));
  return write_property(kVelocity, hal::Value{static_cast<std::int64_t>(std::lround(percent))});
}

Result<void> Mount::stop(hal::StopMode) {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  return error(Code::not_supported, "an ELL14 cannot stop a move or a homing: it ends where it was sent");
}

}  // namespace nicol::elliptec
