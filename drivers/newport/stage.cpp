// SPDX-License-Identifier: Apache-2.0
// The stage as a device: what the controller says about itself, its velocity, its self-test.
#include "drivers/newport/stage.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "drivers/hal/properties.hpp"

namespace nicol::newport {
namespace {

constexpr const char* kVelocity = "velocity";
constexpr double kSlowest = 0.01;  // of the largest velocity

}  // namespace

Stage::Stage(std::unique_ptr<Controller> controller, std::string serial, std::string model, const Limits& limits)
    : controller_(std::move(controller)),
      serial_(std::move(serial)),
      model_(std::move(model)),
      limits_(limits),
      properties_{hal::ArgInfo{kVelocity,
                               "velocity",
                               "of moves that start from now on",
                               "deg/s",
                               hal::ArgType::real,
                               hal::Range{kSlowest * limits.velocity, limits.velocity, 0},
                               {},
                               hal::Access::persistent}},
      generation_(controller_->generation()),
      velocity_(limits.velocity),
      applied_velocity_(limits.velocity) {}

Result<std::unique_ptr<Stage>> Stage::make(std::unique_ptr<Controller> controller, std::string serial) {
  const int axis = controller->axis();
  const auto version = controller->ask(request::plain(axis, "VE"), "VE");
  if (!version) return version.error();
  Limits limits;
  for (const auto& [letters, field] : {std::pair{"SL", &limits.negative}, std::pair{"SR", &limits.positive},
                                       std::pair{"VA", &limits.velocity}, std::pair{"SU", &limits.increment}}) {
    const auto value = controller->number(request::ask(axis, letters), letters);
    if (!value) return value.error();
    *field = *value;
  }
  if (!(limits.negative < limits.positive) || !(limits.velocity > 0) || !(limits.increment > 0))
    return Error{
        Code::protocol,
        fmt::format("the controller claims limits {}..{} deg, {} deg/s, steps of {} deg: see its configuration",
                    limits.negative, limits.positive, limits.velocity, limits.increment),
        serial};
  const std::size_t text = version->value.find_first_not_of(' ');
  std::string model = text == std::string::npos ? "controller" : version->value.substr(text);
  return std::unique_ptr<Stage>(new Stage(std::move(controller), std::move(serial), std::move(model), limits));
}

Error Stage::error(Code code, std::string message) const { return {code, std::move(message), serial_, 0, {}}; }

hal::DeviceInfo Stage::info() const {
  const std::size_t space = model_.find(' ');
  return {"newport",
          "Newport",
          model_.substr(0, space),
          serial_,
          space == std::string::npos ? "" : model_.substr(space + 1),
          controller_->info().port};
}

Result<void> Stage::ready() {
  if (link() != hal::Link::connected) return hal::disconnected_error(*this);
  if (generation_ == controller_->generation()) return {};
  if (move_) end(error(Code::disconnected, "the cable was pulled during the move: home before the next"));
  homed_ = fault_ = false;
  applied_velocity_ = 0;  // the controller may have been switched off: told anew before the next move
  generation_ = controller_->generation();
  return {};
}

Result<hal::Value> Stage::read_property(std::string_view key) {
  const std::lock_guard lock(mutex_);
  if (auto ok = ready(); !ok) return ok.error();
  if (key == kVelocity) return hal::Value{velocity_};
  return Device::read_property(key);
}

Result<void> Stage::write_property(std::string_view key, const hal::Value& value) {
  const std::lock_guard lock(mutex_);
  if (auto ok = ready(); !ok) return ok;
  const hal::ArgInfo* property = hal::find_property(properties(), key);
  if (property == nullptr) return Device::write_property(key, value);
  if (auto ok = hal::check_value(*property, value); !ok) return ok;
  velocity_ = std::get<double>(value);
  return {};
}

Result<void> Stage::set_velocity(Angle per_second) {
  return write_property(kVelocity, hal::Value{per_second.degrees()});
}

Result<std::vector<hal::SelfTestItem>> Stage::self_test(Deadline) {
  const std::lock_guard lock(mutex_);
  if (auto ok = ready(); !ok) return ok.error();
  const auto version = controller_->ask(request::plain(controller_->axis(), "VE"), "VE");
  if (!version) return version.error();
  const auto state = ask_state();
  if (!state) return state.error();
  const std::string errors = positioner_errors(state->errors);
  return std::vector<hal::SelfTestItem>{
      {"identity", version->value.find(info().model) != std::string::npos, version->value},
      {"state", state->phase != Phase::configuration && state->phase != Phase::unknown,
       fmt::format("{} ({:02X})", to_string(state->phase), state->code)},
      {"positioner", errors.empty(), errors.empty() ? "no error" : errors}};
}

hal::AxisInfo Stage::axis() const {
  hal::AxisInfo info;
  info.counts_per_degree = 1 / limits_.increment;
  info.resolution = Angle::degrees(limits_.increment);
  info.repeatability = Angle::degrees(0.005);
  info.max_velocity = Angle::degrees(limits_.velocity);
  info.continuous = false;
  info.can_abort = info.can_set_velocity = true;
  info.travel = {{Angle::degrees(limits_.negative), Angle::degrees(limits_.positive)}};
  return info;
}

}  // namespace nicol::newport
