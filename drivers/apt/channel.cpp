// SPDX-License-Identifier: Apache-2.0
// A move has arrived when the controller says so and a report after that reads back the target, standing still.
#include "drivers/apt/channel.hpp"

#include <fmt/core.h>

#include <cmath>
#include <cstdlib>
#include <utility>

namespace nicol::apt {
namespace {

using namespace std::chrono_literals;

// Where the message that a move has ended was lost, its standing still tells: so long after motion was seen (a
// correction of the backlash pauses in between), so long after a command that moved nothing.
constexpr auto kStillAfterMotion = 400ms, kStillFromTheStart = 800ms, kSilence = 2000ms;

Code code_of(std::uint32_t status) { return (status & bits::kInterlock) != 0 ? Code::interlock : Code::motion_fault; }

constexpr std::uint32_t kFaultBits =
    bits::kMotionError | bits::kInterlock | bits::kOverTemperature | bits::kCurrentLimit;

}  // namespace

Error Channel::error(Code code, std::string message) const { return {code, std::move(message), device_, 0, {}}; }

std::uint64_t Channel::begin(Goal goal, std::int32_t target, Time now) {
  before_ = std::exchange(last_, {last_.number + 1, {}});
  goal_ = goal;
  target_ = target;
  start_ = report_ ? report_->position : std::nullopt;
  still_since_ = heard_ = now;
  seen_moving_ = told_ = stop_asked_ = still_ = fault_ = false;
  faulty_reports_ = 0;
  return last_.number;
}

void Channel::settle(Result<void> result) {
  if (goal_ == Goal::home && result) home_forgotten_ = false;
  fault_ = !result && result.error().code != Code::cancelled && result.error().code != Code::disconnected;
  last_.result = std::move(result);
  if (goal_ == Goal::position && start_ && report_ && report_->position)
    counts_moved_ += std::abs(static_cast<double>(*report_->position) - *start_);
}

void Channel::abandon(const Error& why) {
  if (running()) settle(why);
}

void Channel::lost(const Error& why) {
  report_.reset();
  abandon(why);
  home_forgotten_ = true;
  fault_ = false;
}

/// True when a fault has been said twice: a single report may be two halves of two (there is no checksum).
bool Channel::check_faults(std::uint32_t status) {
  if ((status & kFaultBits) == 0) {
    faulty_reports_ = 0;
    return false;
  }
  if (++faulty_reports_ < 2 || !running()) return faulty_reports_ >= 2;
  Error fault = error(code_of(status),
                      fmt::format("the controller reports {}: remove the cause, then home again", fault_text(status)));
  fault.native_code = status;
  settle(std::move(fault));
  return true;
}

void Channel::report(const Report& report, Id as, Time now) {
  report_ =
      report.position ? report : Report{report.channel, report_ ? report_->position : std::nullopt, report.status};
  heard_ = now;
  const bool moving = (report.status & bits::kMoving) != 0;
  if (moving) seen_moving_ = true;
  if (moving || !still_) still_since_ = now;
  still_ = !moving;
  if (check_faults(report.status) || !running()) return;
  if (as == Id::mot_move_completed || as == Id::mot_stopped) {
    told_ = true;
  } else if ((told_ && still_) || stands_long_enough(now)) {
    judge();
  }
}

void Channel::homed(Time) {
  if (running() && goal_ == Goal::home) told_ = true;
}

void Channel::complained(const FaultReport& fault) {
  if (running()) {
    Error e = error(Code::hardware_fault, fmt::format("the controller refused message 0x{:04x}, code {}: {}",
                                                      fault.about, fault.code, fault.text));
    e.native_code = fault.code;
    settle(std::move(e));
  }
  fault_ = true;
}

void Channel::look(Time now) {
  if (running() && now - heard_ >= kSilence)
    settle(error(Code::timeout, "the controller says nothing any more: check its supply, then home again"));
}

bool Channel::stands_long_enough(Time now) const {
  return still_ && now - still_since_ >= (seen_moving_ || stop_asked_ ? kStillAfterMotion : kStillFromTheStart);
}

/// It stands: where, and as what it was meant to?
void Channel::judge() {
  if (!report_) return;
  const bool homed_bit = (report_->status & bits::kHomed) != 0;
  const std::int64_t position = report_->position.value_or(0);
  const bool there = std::abs(position - target_) <= tolerance_ && (goal_ == Goal::position || homed_bit);
  if (there && (told_ || !stop_asked_)) return settle({});
  if (stop_asked_) return settle(error(Code::cancelled, "the move was stopped"));
  const std::string stands = fmt::format("it stands at {:.4f} deg (0x{:08x})", degrees(position), report_->status);
  if ((report_->status & (bits::kLimitForward | bits::kLimitReverse)) != 0)
    return settle(
        error(Code::limit_switch, fmt::format("a limit switch ended the move to {:.4f} deg, {}: move back, or "
                                              "home again",
                                              degrees(target_), stands)));
  if (goal_ == Goal::home)
    return settle(error(Code::motion_fault, fmt::format("homing ended without the mark, {}: look for what blocks the "
                                                        "stage, then home again",
                                                        stands)));
  // Where it stands may be the setting of a slot before, which is a basis and a bit: no text names it.
  settle(error(Code::motion_fault, fmt::format("the stage is more than {:.4f} deg from where it was sent (0x{:08x}): "
                                               "look for what blocks it, then home",
                                               degrees(tolerance_), report_->status)));
}

MoveOutcome Channel::outcome(std::uint64_t number) const {
  if (number == last_.number) return last_;
  if (number == before_.number) return before_;
  return {number, Result<void>{}};
}

}  // namespace nicol::apt
