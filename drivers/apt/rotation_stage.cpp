// SPDX-License-Identifier: Apache-2.0
#include "drivers/apt/rotation_stage.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace nicol::apt {
namespace {

constexpr std::size_t kAxis = 0;
constexpr std::uint8_t kChannel = 1;
constexpr std::string_view kVelocity = "velocity", kAcceleration = "acceleration";
constexpr double kSlowest = 0.01;  // deg/s; slower settings round to nothing useful

std::vector<hal::ArgInfo> properties_of(const Model& model) {
  const auto real = [](std::string_view key, std::string text, std::string units, double max) {
    return hal::ArgInfo{std::string(key),
                        std::string(key),
                        std::move(text),
                        std::move(units),
                        hal::ArgType::real,
                        hal::Range{kSlowest, max, 0},
                        {},
                        hal::Access::persistent};
  };
  return {real(kVelocity, "speed of moves that start from now on", "deg/s", model.max_velocity),
          real(kAcceleration, "acceleration of moves that start from now on", "deg/s^2", model.max_acceleration),
          last_fault_property()};
}

std::int32_t device_units(double value, double unit) {
  return static_cast<std::int32_t>(std::clamp(std::round(value * unit), 1.0, 2147483647.0));
}

}  // namespace

RotationStage::RotationStage(std::unique_ptr<Controller> controller, Angle backlash)
    : Face(std::move(controller)), backlash_(backlash), properties_(properties_of(this->controller().model())) {}

Result<std::unique_ptr<hal::Device>> RotationStage::make(std::unique_ptr<Controller> controller, Angle backlash) {
  std::unique_ptr<RotationStage> stage(new RotationStage(std::move(controller), backlash));
  if (auto read = stage->read_speed(); !read) return std::move(read).error();
  stage->controller().on_return([s = stage.get()] {
    const std::lock_guard lock(s->mutex_);
    return s->apply(s->speed_);
  });
  return std::unique_ptr<hal::Device>(std::move(stage));
}

Result<void> RotationStage::read_speed() {
  const Result<Packet> reply = controller().ask(request(Id::mot_req_velocity, kChannel), Id::mot_get_velocity);
  if (!reply) return reply.error();
  const VelocityParams now = *velocity_of(*reply);
  const Model& model = controller().model();
  const std::lock_guard lock(mutex_);
  speed_.velocity = std::clamp(now.max / model.velocity_unit, kSlowest, model.max_velocity);
  speed_.acceleration = std::clamp(now.acceleration / model.acceleration_unit, kSlowest, model.max_acceleration);
  return {};
}

/// Sent, and read back: a controller clamps what it does not like without a word.
Result<void> RotationStage::apply(const Speed& speed) {
  const Model& model = controller().model();
  const VelocityParams wanted{0, device_units(speed.acceleration, model.acceleration_unit),
                              device_units(speed.velocity, model.velocity_unit)};
  if (auto sent = controller().send(apt::set_velocity(kChannel, wanted)); !sent) return sent;
  const Result<Packet> reply = controller().ask(request(Id::mot_req_velocity, kChannel), Id::mot_get_velocity);
  if (!reply) return reply.error();
  const VelocityParams got = *velocity_of(*reply);
  if (got == wanted) return {};
  return error(Code::protocol,
               fmt::format("asked for velocity {} and acceleration {} (device units), read back {} and {}", wanted.max,
                           wanted.acceleration, got.max, got.acceleration));
}

Result<hal::Value> RotationStage::read_property(std::string_view key) {
  if (key != kVelocity && key != kAcceleration) return Face::read_property(key);
  if (auto here = connected(); !here) return std::move(here).error();
  const std::lock_guard lock(mutex_);
  return hal::Value{key == kVelocity ? speed_.velocity : speed_.acceleration};
}

Result<void> RotationStage::write_property(std::string_view key, const hal::Value& value) {
  if (auto fits = connected(); !fits) return fits;
  if (key != kVelocity && key != kAcceleration) return Face::write_property(key, value);
  if (auto fits = hal::check_value(*hal::find_property(properties_, key), value); !fits) return fits;
  const std::lock_guard lock(mutex_);
  Speed wanted = speed_;
  (key == kVelocity ? wanted.velocity : wanted.acceleration) = std::get<double>(value);
  if (auto applied = apply(wanted); !applied) return applied;
  speed_ = wanted;
  return {};
}

void RotationStage::safe_state() noexcept {
  if (connected() && controller().totals(kAxis).running) (void)controller().stop(kAxis, StopKind::immediate);
}

hal::AxisInfo RotationStage::axis() const {
  const Model& model = controller().model();
  hal::AxisInfo info;
  info.counts_per_degree = model.counts_per_degree;
  info.resolution = Angle::degrees(model.resolution);
  info.repeatability = Angle::degrees(model.repeatability);
  info.backlash = backlash_;
  info.max_velocity = Angle::degrees(model.max_velocity);
  info.can_abort = info.can_set_velocity = true;
  return info;
}

Result<hal::AxisStatus> RotationStage::status() {
  if (auto here = connected(); !here) return std::move(here).error();
  const Result<Report> report = controller().status(kAxis);
  if (!report) return report.error();
  const Controller::Totals totals = controller().totals(kAxis);
  hal::AxisStatus status;
  status.homed = totals.homed;
  status.moving = (report->status & bits::kMoving) != 0;
  status.settled = !status.moving && !totals.running;
  status.limit_forward = (report->status & bits::kLimitForward) != 0;
  status.limit_reverse = (report->status & bits::kLimitReverse) != 0;
  status.fault = totals.fault || !fault_text(report->status).empty();
  status.position = Angle::degrees(to_degrees(controller().model(), report->position.value_or(0)));
  status.native = report->status;
  status.moves = totals.moves;
  status.degrees_moved = totals.counts_moved / controller().model().counts_per_degree;
  return status;
}

Result<void> RotationStage::set_direction(hal::HomeDirection direction) {
  const Result<Packet> reply = controller().ask(request(Id::mot_req_home, kChannel), Id::mot_get_home);
  if (!reply) return reply.error();
  HomeParams params = *home_of(*reply);
  const bool forward = direction == hal::HomeDirection::positive;
  const std::uint16_t way = forward ? 1 : 2;
  if (params.direction == way) return {};
  params.direction = way;
  params.limit_switch = forward ? 4 : 1;
  return controller().send(set_home(kChannel, params));
}

Result<Report> RotationStage::ready_to_move() {
  if (auto here = connected(); !here) return std::move(here).error();
  const Result<Report> report = controller().status(kAxis);
  if (!report) return report.error();
  if (auto fit = check_status(*report, info().serial); !fit) return std::move(fit).error();
  return *report;
}

Result<hal::Motion> RotationStage::home(hal::HomeDirection direction) {
  if (auto ready = ready_to_move(); !ready) return std::move(ready).error();
  if (auto set = set_direction(direction); !set) return std::move(set).error();
  return controller().move(kAxis, Channel::Goal::home, 0);
}

Result<hal::Motion> RotationStage::go(Angle position) {
  const auto counts = to_counts(controller().model(), position.degrees());
  if (!counts)
    return error(Code::out_of_range,
                 fmt::format("{} deg does not fit the controller's 32-bit counter (it reaches to {:.0f} "
                             "deg): home again to count from zero",
                             position.degrees(), to_degrees(controller().model(), 2147483647)));
  if (!controller().totals(kAxis).homed)
    return error(Code::not_homed, "the mount has not been homed since it was powered or plugged in: home it first");
  return controller().move(kAxis, Channel::Goal::position, *counts);
}

Result<hal::Motion> RotationStage::move_absolute(Angle position) {
  if (auto ready = ready_to_move(); !ready) return std::move(ready).error();
  return go(position);
}

/// As an absolute one: counted from where the mount stands, not from where the last move should have ended.
Result<hal::Motion> RotationStage::move_relative(Angle by) {
  const Result<Report> report = ready_to_move();
  if (!report) return report.error();
  return go(Angle::degrees(to_degrees(controller().model(), report->position.value_or(0))) + by);
}

Result<void> RotationStage::stop(hal::StopMode mode) {
  if (auto here = connected(); !here) return here;
  return controller().stop(kAxis, mode == hal::StopMode::immediate ? StopKind::immediate : StopKind::profiled);
}

Result<void> RotationStage::set_velocity(Angle per_second) {
  return write_property(kVelocity, hal::Value{per_second.degrees()});
}

}  // namespace nicol::apt
