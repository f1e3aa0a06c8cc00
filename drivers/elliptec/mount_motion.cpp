// SPDX-License-Identifier: Apache-2.0
// The mount's moves: sent once, ended by the mount's own word, believed after the position was read back.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "drivers/elliptec/mount.hpp"
#include "drivers/elliptec/status.hpp"
#include "drivers/hal/properties.hpp"

namespace nicol::elliptec {
namespace {

constexpr double kFastestDegrees = 430;
constexpr double kToleranceDegrees = 0.15;  // three times the repeatability
constexpr std::size_t kRememberedFailures = 64;
constexpr std::chrono::milliseconds kLook{1};

/// What is left of `counts` when whole turns are taken off, from minus to plus half a turn.
std::int64_t within_half_a_turn(std::int64_t counts, std::int64_t turn) {
  std::int64_t rest = counts % turn;
  if (rest > turn / 2) rest -= turn;
  if (rest < -turn / 2) rest += turn;
  return rest;
}

}  // namespace

class Mount::MoveHandle final : public hal::MotionState {
 public:
  MoveHandle(Mount& mount, std::uint64_t number) : mount_(&mount), number_(number) {}
  Result<void> wait(Deadline deadline, std::stop_token stop) override {
    return mount_->wait_for(number_, deadline, stop);
  }
  bool done() const noexcept override { return mount_->has_ended(number_); }

 private:
  Mount* mount_;
  std::uint64_t number_;
};

Result<void> Mount::refuse_while_moving() const {
  if (!move_) return {};
  return error(Code::busy, "the mount still moves: wait for the move to end");
}

Result<hal::AxisStatus> Mount::status() {
  const std::lock_guard lock(mutex_);
  if (auto ok = ready(); !ok) return ok.error();
  progress();
  if (!move_) {
    const auto raw = read_counts(request::position(address_), "PO");
    if (!raw) return raw.error();
    raw_ = *raw;
  }
  hal::AxisStatus status;
  status.homed = homed_;
  status.moving = move_.has_value();
  status.settled = !status.moving;
  status.fault = fault_;
  status.position = scale_.angle(raw_ + turns_);
  status.native = native_;
  status.moves = moves_;
  status.degrees_moved = degrees_moved_;
  return status;
}

Result<hal::Motion> Mount::home(hal::HomeDirection direction) {
  const std::lock_guard lock(mutex_);
  if (auto ok = ready(); !ok) return ok.error();
  progress();
  if (auto ok = refuse_while_moving(); !ok) return ok.error();
  if (auto ok = check_status(); !ok) return ok.error();
  const auto sense =
      direction == hal::HomeDirection::positive ? request::Sense::clockwise : request::Sense::counter_clockwise;
  homed_ = false;
  return begin(request::home(address_, sense), scale_.pulses_per_turn(), 0, true);
}

Result<hal::Motion> Mount::move_absolute(Angle position) {
  const std::lock_guard lock(mutex_);
  if (auto ok = ready(); !ok) return ok.error();
  const auto goal = scale_.counts(position);
  if (!goal) return goal.error();
  return go_to(*goal);
}

Result<hal::Motion> Mount::move_relative(Angle by) {
  const std::lock_guard lock(mutex_);
  if (auto ok = ready(); !ok) return ok.error();
  const auto way = scale_.counts(by);
  if (!way) return way.error();
  progress();
  if (auto ok = refuse_while_moving(); !ok) return ok.error();
  const auto here = read_counts(request::position(address_), "PO");
  if (!here) return here.error();
  raw_ = *here;
  return go_to(raw_ + turns_ + *way);
}

Result<hal::Motion> Mount::go_to(std::int64_t goal) {
  progress();
  if (auto ok = refuse_while_moving(); !ok) return ok.error();
  if (!homed_) return error(Code::not_homed, "the mount has not been homed since it was connected: home it first");
  if (auto ok = check_status(); !ok) return ok.error();
  const auto here = read_counts(request::position(address_), "PO");
  if (!here) return here.error();
  raw_ = *here;
  const std::int64_t goal_raw = goal - turns_, way = goal_raw - raw_, turn = scale_.pulses_per_turn();
  if (way < std::numeric_limits<std::int32_t>::min() || way > std::numeric_limits<std::int32_t>::max())
    return error(Code::out_of_range, fmt::format("a way of {} counts is more than the mount can count", way));
  // `ma` reaches the one turn of the mount's travel; what lies beyond is a way from here.
  const bool inside = goal_raw >= 0 && goal_raw < turn;
  const auto request = inside ? request::move_absolute(address_, static_cast<std::int32_t>(goal_raw))
                              : request::move_relative(address_, static_cast<std::int32_t>(way));
  return begin(request, way, goal_raw, false);
}

Result<hal::Motion> Mount::begin(const std::string& request, std::int64_t way, std::int64_t goal_raw, bool homing) {
  auto end = bus_->expect_end_of_move(address_);
  const auto& timing = bus_->timing();
  const Deadline sent{Clock::now() + timing.rest_after_silence + timing.reply};
  if (auto ok = bus_->start_move(request, sent); !ok) return ok.error();
  const double seconds = std::abs(scale_.angle(way).degrees()) /
                         (kFastestDegrees * static_cast<double>(std::max<std::int64_t>(velocity_, 1)) / 100);
  const auto allowed = std::chrono::milliseconds(static_cast<std::int64_t>(2000 * seconds)) + timing.move_margin;
  move_.reset();
  move_.emplace(Move{++moves_, std::move(end), homing, way, goal_raw, Clock::now() + allowed, 5});
  fault_ = false;
  return hal::Motion(std::make_unique<MoveHandle>(*this, moves_));
}

void Mount::progress() {
  if (!move_) return;
  if (link() != hal::Link::connected || generation_ != bus_->generation())
    return end(error(Code::disconnected, "the cable was pulled during the move: plug it in, then home"));
  if (move_->end->arrived()) return conclude(move_->end->wait({Clock::now()}));
  if (Clock::now() >= move_->due) ask_what_became_of_it();
}

void Mount::conclude(const Result<Reply>& reply) {
  if (!reply) return end(reply.error());
  if (const auto code = status_code(*reply)) {
    native_ = *code;
    return end(status_result(*code, identity_.serial));
  }
  read_back("the mount said it had arrived");
}

void Mount::ask_what_became_of_it() {
  const auto status = check_status();
  if (move_->end->arrived()) return conclude(move_->end->wait({Clock::now()}));
  if (status.ok()) {
    move_->end.reset();  // the next position is the answer to a question
    return read_back("the mount never said that it had arrived");
  }
  if (status.error().code != Code::busy) return end(status);
  move_->due = Clock::now() + bus_->timing().move_margin;
  if (--move_->patience <= 0)
    end(error(Code::motion_fault, "the mount moves without end: switch its supply off and on, then home"));
}

void Mount::read_back(std::string_view otherwise) {
  const auto raw = read_counts(request::position(address_), "PO");
  if (!raw) return end(raw.error());
  const std::int64_t miss = within_half_a_turn(*raw - move_->goal_raw, scale_.pulses_per_turn());
  if (std::abs(scale_.angle(miss).degrees()) <= kToleranceDegrees) return arrived(*raw, miss);
  if (!move_->homing) degrees_moved_ += std::abs(scale_.angle(*raw - raw_).degrees());
  raw_ = *raw;
  // Where it stands may be the setting of a slot before, which is a basis and a bit: no text names it.
  end(error(Code::motion_fault, fmt::format("the mount is more than {} deg from where it was sent ({}): see that the "
                                            "optic turns freely, then home",
                                            kToleranceDegrees, otherwise)));
}

void Mount::arrived(std::int32_t raw, std::int64_t miss) {
  if (move_->homing) {
    degrees_moved_ += std::abs(scale_.angle(within_half_a_turn(raw_, scale_.pulses_per_turn())).degrees());
    homed_ = true;
    turns_ = -(raw - miss);
  } else {
    degrees_moved_ += std::abs(scale_.angle(move_->way + miss).degrees());
    turns_ += move_->goal_raw + miss - raw;  // not zero where the mount counts its turns anew
  }
  raw_ = raw;
  end({});
}

void Mount::end(const Result<void>& outcome) {
  if (!outcome) {
    fault_ = outcome.error().code != Code::disconnected;
    failures_.emplace(move_->number, outcome.error());
    if (failures_.size() > kRememberedFailures) failures_.erase(failures_.begin());
  }
  move_.reset();
  ended_.notify_all();
}

Result<void> Mount::outcome(std::uint64_t number) const {
  const auto it = failures_.find(number);
  if (it != failures_.end()) return it->second;
  return {};
}

Result<void> Mount::wait_for(std::uint64_t number, Deadline deadline, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    progress();
    if (!move_ || move_->number != number) return outcome(number);
    if (stop.stop_requested()) return error(Code::cancelled, "waiting was cancelled; the move goes on");
    if (Clock::now() >= deadline.at) return error(Code::timeout, "the move had not ended by its deadline");
    ended_.wait_for(lock, stop, kLook, [] { return false; });
  }
}

bool Mount::has_ended(std::uint64_t number) noexcept {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return false;  // somebody is talking to the mount about it
  return !move_ || move_->number != number || move_->end->arrived();
}

}  // namespace nicol::elliptec
