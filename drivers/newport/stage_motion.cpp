// SPDX-License-Identifier: Apache-2.0
// The stage's moves: sent once, watched by the controller's state, believed after the position was read back.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "drivers/hal/properties.hpp"
#include "drivers/newport/stage.hpp"

namespace nicol::newport {
namespace {

constexpr double kToleranceDegrees = 0.015;  // three times the repeatability
constexpr std::size_t kRememberedFailures = 64;

}  // namespace

class Stage::MoveHandle final : public hal::MotionState {
 public:
  MoveHandle(Stage& stage, std::uint64_t number) : stage_(&stage), number_(number) {}
  Result<void> wait(Deadline deadline, std::stop_token stop) override {
    return stage_->wait_for(number_, deadline, stop);
  }
  bool done() const noexcept override { return stage_->has_ended(number_); }

 private:
  Stage* stage_;
  std::uint64_t number_;
};

Result<State> Stage::ask_state() {
  const auto reply = controller_->ask(request::state(controller_->axis()), "TS");
  if (!reply) return reply.error();
  return parse_state(*reply);
}

Result<double> Stage::ask_position() { return controller_->number(request::position(controller_->axis()), "TP"); }

Result<void> Stage::do_command(const std::string& request) {
  auto done = controller_->command(request);
  if (done) return done;
  Error failed = done.error();
  failed.device = serial_;
  return failed;
}

Result<void> Stage::refuse_while_moving() const {
  if (!move_) return {};
  return error(Code::busy, "the stage still moves: wait for the move to end, or stop it");
}

Result<hal::AxisStatus> Stage::status() {
  const std::lock_guard lock(mutex_);
  if (auto ok = ready(); !ok) return ok.error();
  progress();
  const auto state = ask_state();
  if (!state) return state.error();
  const auto position = ask_position();
  if (!position) return position.error();
  hal::AxisStatus status;
  status.homed = homed_ && state->phase != Phase::not_referenced;
  status.moving = move_.has_value() || state->phase == Phase::moving || state->phase == Phase::homing;
  status.settled = !status.moving;
  status.limit_forward = (state->errors & 2U) != 0;
  status.limit_reverse = (state->errors & 1U) != 0;
  status.fault = fault_;
  status.position = Angle::degrees(*position);
  status.native = static_cast<std::uint32_t>(state->errors) << 8 | state->code;
  status.moves = moves_;
  status.degrees_moved = degrees_moved_;
  return status;
}

Result<void> Stage::apply_velocity() {
  if (applied_velocity_ == velocity_) return {};
  if (auto ok = do_command(request::set_velocity(controller_->axis(), velocity_)); !ok) return ok;
  applied_velocity_ = velocity_;
  return {};
}

Result<hal::Motion> Stage::home(hal::HomeDirection) {
  const std::lock_guard lock(mutex_);
  if (auto ok = ready(); !ok) return ok.error();
  progress();
  if (auto ok = refuse_while_moving(); !ok) return ok.error();
  const auto state = ask_state();
  if (!state) return state.error();
  const int axis = controller_->axis();
  if (state->phase == Phase::disabled)
    if (auto ok = do_command(request::plain(axis, "MM1")); !ok) return ok.error();
  const auto here = ask_position();
  if (!here) return here.error();
  homed_ = false;
  if (state->phase == Phase::not_referenced) {
    if (auto ok = do_command(request::plain(axis, "OR")); !ok) return ok.error();
    return begin(*here, 0, true, controller_->timing().homing);
  }
  if (auto ok = apply_velocity(); !ok) return ok.error();
  if (auto ok = do_command(request::move_absolute(axis, 0)); !ok) return ok.error();
  return begin(*here, 0, true, allowed_for(*here));
}

Result<hal::Motion> Stage::move_absolute(Angle position) {
  const std::lock_guard lock(mutex_);
  if (auto ok = ready(); !ok) return ok.error();
  return go_to(position.degrees());
}

Result<hal::Motion> Stage::move_relative(Angle by) {
  const std::lock_guard lock(mutex_);
  if (auto ok = ready(); !ok) return ok.error();
  const auto here = ask_position();
  if (!here) return here.error();
  return go_to(*here + by.degrees());
}

Result<hal::Motion> Stage::go_to(double degrees) {
  progress();
  if (auto ok = refuse_while_moving(); !ok) return ok.error();
  if (!homed_) return error(Code::not_homed, "the stage has not been homed since it was connected: home it first");
  if (!(degrees >= limits_.negative && degrees <= limits_.positive))
    return error(Code::out_of_range, fmt::format("{:.4f} deg is outside the travel {:.4f}..{:.4f} deg", degrees,
                                                 limits_.negative, limits_.positive));
  if (auto ok = apply_velocity(); !ok) return ok.error();
  const auto here = ask_position();
  if (!here) return here.error();
  if (auto ok = do_command(request::move_absolute(controller_->axis(), degrees)); !ok) {
    if (ok.error().code == Code::not_homed) homed_ = false;  // the controller was switched off and on
    return ok.error();
  }
  return begin(*here, degrees, false, allowed_for(degrees - *here));
}

Stage::Clock::duration Stage::allowed_for(double way) const {
  const auto twice = static_cast<std::int64_t>(2000 * std::abs(way) / velocity_);
  return std::chrono::milliseconds(twice) + controller_->timing().move_margin;
}

Result<hal::Motion> Stage::begin(double from, double goal, bool homing, Clock::duration allowed) {
  move_ = Move{++moves_, from, goal, homing, Clock::now() + allowed};
  fault_ = false;
  return hal::Motion(std::make_unique<MoveHandle>(*this, moves_));
}

void Stage::progress() {
  if (!move_) return;
  if (link() != hal::Link::connected || generation_ != controller_->generation())
    return end(error(Code::disconnected, "the cable was pulled during the move: plug it in, then home"));
  const auto state = ask_state();
  if (!state) return end(state.error());
  if (state->phase == Phase::ready || state->phase == Phase::tracking) return arrived(*state);
  const bool moving = state->phase == Phase::moving || state->phase == Phase::homing;
  if (moving && Clock::now() < move_->due) return;
  const std::string why = positioner_errors(state->errors);
  end(error(Code::motion_fault,
            fmt::format("sent to {:.4f} deg, the stage is {} ({}): see that it turns freely, then "
                        "home",
                        move_->goal, to_string(state->phase), why.empty() ? "no error told" : why)));
}

void Stage::arrived(const State&) {
  const auto position = ask_position();
  if (!position) return end(position.error());
  degrees_moved_ += std::abs(*position - move_->from);
  if (std::abs(*position - move_->goal) > kToleranceDegrees)
    return end(error(Code::motion_fault,
                     fmt::format("the stage says it is ready, more than {} deg from where it was sent: see that it "
                                 "turns freely, then home",
                                 kToleranceDegrees)));
  if (move_->homing) homed_ = true;
  end({});
}

Result<void> Stage::stop(hal::StopMode) {
  const std::lock_guard lock(mutex_);
  if (auto ok = ready(); !ok) return ok;
  if (auto ok = do_command(request::plain(controller_->axis(), "ST")); !ok) return ok;
  if (!move_) return {};
  if (const auto position = ask_position()) degrees_moved_ += std::abs(*position - move_->from);
  end(error(Code::cancelled, "the move was stopped"));
  fault_ = false;
  return {};
}

void Stage::safe_state() noexcept {
  if (link() == hal::Link::connected)
    controller_->shout(request::plain(controller_->axis(), "ST"), std::chrono::milliseconds(50));
}

void Stage::end(const Result<void>& outcome) {
  if (!outcome) {
    fault_ = outcome.error().code != Code::disconnected;
    failures_.emplace(move_->number, outcome.error());
    if (failures_.size() > kRememberedFailures) failures_.erase(failures_.begin());
  }
  move_.reset();
  ended_.notify_all();
}

Result<void> Stage::wait_for(std::uint64_t number, Deadline deadline, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (move_ && move_->number == number) progress();
    if (!move_ || move_->number != number) {
      const auto failure = failures_.find(number);
      return failure == failures_.end() ? Result<void>() : failure->second;
    }
    if (stop.stop_requested()) return error(Code::cancelled, "waiting was cancelled; the move goes on");
    if (Clock::now() >= deadline.at) return error(Code::timeout, "the move had not ended by its deadline");
    ended_.wait_for(lock, stop, controller_->timing().look, [] { return false; });
  }
}

bool Stage::has_ended(std::uint64_t number) noexcept {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return false;  // somebody is asking the controller about it
  if (move_ && move_->number == number) progress();
  return !move_ || move_->number != number;
}

}  // namespace nicol::newport
