// SPDX-License-Identifier: Apache-2.0
#include "drivers/rig/axis.hpp"

#include <array>
#include <cmath>

namespace nicol::rig {
namespace {

using namespace std::chrono_literals;

constexpr auto kAskEvery = 20ms, kSafe = 80ms;
constexpr std::chrono::nanoseconds kAnswerWithin = 200ms, kUsualAnswer = 2s;

std::string place(const fw::AxisStatus& s) { return fmt::format("{} counts", s.position); }

}  // namespace

/// Waits for the board's word that the axis stands, then asks where. Asks now and then in case the word was lost.
class RigAxis::Move final : public hal::MotionState {
 public:
  Move(RigAxis& axis, Travel travel, std::int64_t goal)
      : axis_(&axis), travel_(travel), goal_(goal), stops_(axis.stops_) {}
  Result<void> wait(Deadline deadline, std::stop_token stop) override;
  /// Asks the board, once every 20 ms at most.
  bool done() const noexcept override;

 private:
  Result<void> judge(const fw::AxisStatus& status) const;
  RigAxis* axis_;
  const Travel travel_;
  const std::int64_t goal_;
  const std::uint64_t stops_;  // before it began
  mutable std::atomic<bool> done_{false};
  mutable std::mutex ask_mutex_;  // guards the rest
  mutable std::chrono::steady_clock::time_point asked_at_{};
};

bool RigAxis::Move::done() const noexcept {
  if (done_ || axis_->link() != hal::Link::connected) return true;  // without a link wait() says so at once
  const std::lock_guard lock(ask_mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (now - asked_at_ < kAskEvery) return false;
  asked_at_ = now;
  const auto status = axis_->ask_status(kAnswerWithin);
  if (status && (status->flags & fw::kAxisMoving) == 0) done_ = true;
  return done_;
}

Result<void> RigAxis::Move::wait(Deadline deadline, std::stop_token stop) {
  for (;;) {
    if (stop.stop_requested()) {
      (void)axis_->stop(hal::StopMode::immediate);
      return axis_->error(Code::cancelled, "the move was cancelled; the axis was stopped");
    }
    auto status = axis_->ask_status(kUsualAnswer);
    if (!status) return std::move(status).error();
    if ((status->flags & fw::kAxisMoving) == 0) {
      done_ = true;
      return judge(*status);
    }
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline.at)
      return axis_->error(Code::timeout,
                          fmt::format("the axis still moves, at {}: wait longer, or stop it", place(*status)));
    // What the board says by itself when a motion ends wakes this up at once; a word that was lost costs a little time.
    const fw::AxisStatus before = axis_->board().heard().axes[axis_->index_];
    (void)axis_->board().await([&](const Heard& heard) { return heard.axes[axis_->index_] != before; },
                               Deadline{std::min<std::chrono::steady_clock::time_point>(deadline.at, now + kAskEvery)},
                               stop);
  }
}

Result<void> RigAxis::Move::judge(const fw::AxisStatus& status) const {
  if (axis_->stops_ != stops_)
    return axis_->error(Code::cancelled, fmt::format("the axis was stopped at {}", place(status)));
  if ((status.flags & fw::kAxisFault) != 0)
    return axis_->error(Code::motion_fault,
                        fmt::format("the axis reports a fault at {}: home it again", place(status)));
  if (travel_ == Travel::home && (status.flags & fw::kAxisHomed) == 0)
    return axis_->error(Code::motion_fault, "the axis did not find its home: check its limit switch");
  const Angle off = axis_->angle_of(status.position - goal_);
  const bool there = std::abs(off.degrees()) <= axis_->options_.tolerance.degrees();
  axis_->stalled_ = !there;
  if (there) return {};
  return axis_->error(Code::motion_fault,
                      fmt::format("the axis stands {:.4f} degrees off ({} counts, wanted {}): is it blocked?",
                                  off.degrees(), status.position, goal_));
}

RigAxis::RigAxis(Board& board, std::size_t index, const AxisOptions& options, const fw::AxisInfo& about)
    : Face(board, fmt::format("axis-{}", index)), index_(index), options_(options), about_(about) {}

Result<std::unique_ptr<RigAxis>> RigAxis::make(Board& board, std::size_t index, const AxisOptions& options) {
  const fw::Description about = board.description();
  if (index >= about.axis_count)
    return Error{Code::not_found,
                 fmt::format("board {} has no axis {}: it has {}", board.name(), index, about.axis_count),
                 board.name(),
                 0,
                 {}};
  std::unique_ptr<RigAxis> axis(new RigAxis(board, index, options, about.axes[index]));
  board.join(*axis);
  return axis;
}

std::int64_t RigAxis::counts_of(Angle angle) const {
  return std::llround(angle.degrees() * about_.counts_num / about_.counts_den);
}
Angle RigAxis::angle_of(std::int64_t counts) const {
  return Angle::degrees(static_cast<double>(counts) * about_.counts_den / about_.counts_num);
}

hal::AxisInfo RigAxis::axis() const {
  hal::AxisInfo info;
  info.counts_per_degree = static_cast<double>(about_.counts_num) / about_.counts_den;
  info.resolution = angle_of(1);
  info.repeatability = options_.tolerance;
  info.max_velocity = Angle::degrees(about_.max_speed_mdeg / 1000.0);
  info.continuous = about_.travel_mdeg == 0;
  info.can_abort = true;
  info.needs_home = true;
  if (!info.continuous) info.travel = {Angle{}, Angle::degrees(about_.travel_mdeg / 1000.0)};
  return info;
}

Result<Reply> RigAxis::ask(fw::Type type, std::chrono::nanoseconds within) {
  std::array<std::uint8_t, fw::Axis::kBytes> payload{};
  fw::encode(fw::Axis{static_cast<std::uint8_t>(index_)}, payload);
  return board().ask(type, payload, SteadyDeadlines().in(within));
}

Result<fw::AxisStatus> RigAxis::ask_status(std::chrono::nanoseconds within) {
  auto reply = ask(fw::Type::axis_status, within);
  if (!reply) return std::move(reply).error();
  if (reply->refusal) return board().refused(*reply->refusal, "asking for " + unit());
  const auto status = fw::decode<fw::AxisStatus>(reply->bytes());
  if (!status || status->axis != index_)
    return error(Code::protocol, "the board's AXIS_STATUS makes no sense: update firmware");
  return *status;
}

Result<hal::AxisStatus> RigAxis::status() {
  if (auto here = connected(); !here) return std::move(here).error();
  const auto now = ask_status(kUsualAnswer);
  if (!now) return now.error();
  hal::AxisStatus status;
  status.homed = (now->flags & fw::kAxisHomed) != 0;
  status.moving = (now->flags & fw::kAxisMoving) != 0;
  status.settled = !status.moving;
  status.fault = (now->flags & fw::kAxisFault) != 0 || stalled_;
  status.position = angle_of(now->position);
  status.native = now->flags;
  const std::lock_guard lock(count_mutex_);
  status.moves = moves_;
  status.degrees_moved = degrees_;
  return status;
}

void RigAxis::count(Angle travelled) {
  const std::lock_guard lock(count_mutex_);
  ++moves_;
  degrees_ += std::abs(travelled.degrees());
}

Result<void> RigAxis::may_go(Angle goal) const {
  const auto travel = axis().travel;
  if (!std::isfinite(goal.degrees())) return error(Code::out_of_range, fmt::format("{} is no angle", goal.degrees()));
  if (travel && (goal < travel->first - angle_of(1) || goal > travel->second + angle_of(1)))
    return error(Code::out_of_range, fmt::format("{} degrees is outside {}..{}", goal.degrees(),
                                                 travel->first.degrees(), travel->second.degrees()));
  return {};
}

Result<hal::Motion> RigAxis::go(fw::MoveKind kind, std::int64_t counts, std::int64_t from, std::int64_t goal) {
  const auto told = board().deliberately(fw::Type::safe_state, Board::kOwnFaults, [&]() -> Result<void> {
    auto reply = board().command(fw::Type::move, fw::Move{static_cast<std::uint8_t>(index_), kind, counts},
                                 fmt::format("moving {} to {} counts", unit(), goal));
    return reply ? Result<void>() : std::move(reply).error();
  });
  if (!told) return told.error();
  count(angle_of(goal - from));
  return hal::Motion(std::make_unique<Move>(*this, Travel::move, goal));
}

Result<hal::Motion> RigAxis::move_absolute(Angle position) {
  if (auto here = connected(); !here) return std::move(here).error();
  const auto now = ask_status(kUsualAnswer);
  if (!now) return now.error();
  if ((now->flags & fw::kAxisHomed) == 0) return error(Code::not_homed, fmt::format("home {} first", unit()));
  if (auto fits = may_go(position); !fits) return std::move(fits).error();
  const std::int64_t goal = counts_of(position);
  return go(fw::MoveKind::absolute, goal, now->position, goal);
}

Result<hal::Motion> RigAxis::move_relative(Angle by) {
  if (auto here = connected(); !here) return std::move(here).error();
  const auto now = ask_status(kUsualAnswer);
  if (!now) return now.error();
  if ((now->flags & fw::kAxisHomed) == 0) return error(Code::not_homed, fmt::format("home {} first", unit()));
  if (auto fits = may_go(angle_of(now->position) + by); !fits) return std::move(fits).error();
  const std::int64_t counts = counts_of(by);
  return go(fw::MoveKind::relative, counts, now->position, now->position + counts);
}

/// The board knows one way home; `direction` is not its to choose.
Result<hal::Motion> RigAxis::home(hal::HomeDirection) {
  if (auto here = connected(); !here) return std::move(here).error();
  const auto told = board().deliberately(fw::Type::safe_state, Board::kOwnFaults, [&]() -> Result<void> {
    auto reply = board().command(fw::Type::home, fw::Axis{static_cast<std::uint8_t>(index_)}, "homing " + unit());
    return reply ? Result<void>() : std::move(reply).error();
  });
  if (!told) return told.error();
  count(Angle{});
  return hal::Motion(std::make_unique<Move>(*this, Travel::home, 0));
}

Result<void> RigAxis::stop(hal::StopMode) {
  if (auto here = connected(); !here) return here;
  ++stops_;
  auto reply = board().command(fw::Type::stop, fw::Axis{static_cast<std::uint8_t>(index_)}, "stopping " + unit());
  return reply ? Result<void>() : std::move(reply).error();
}

Result<void> RigAxis::set_velocity(Angle) {
  if (auto here = connected(); !here) return here;
  return error(Code::not_supported, "the board drives this axis at one speed");
}

void RigAxis::safe_state() noexcept {
  ++stops_;
  (void)ask(fw::Type::stop, kSafe);
}

}  // namespace nicol::rig
