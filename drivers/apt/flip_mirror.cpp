// SPDX-License-Identifier: Apache-2.0
#include "drivers/apt/flip_mirror.hpp"

namespace nicol::apt {
namespace {

constexpr std::size_t kMount = 0;
constexpr std::uint8_t kChannel = 1;

FlipMirror::Position other(FlipMirror::Position position) {
  return position == FlipMirror::Position::one ? FlipMirror::Position::two : FlipMirror::Position::one;
}

/// The limit bits tell the position; neither, or both, tell none.
hal::ShutterState state_of(std::uint32_t status, FlipMirror::Position closed) {
  if ((status & bits::kMoving) != 0) return hal::ShutterState::moving;
  const bool one = (status & bits::kLimitForward) != 0, two = (status & bits::kLimitReverse) != 0;
  if (one == two) return hal::ShutterState::unknown;
  return one == (closed == FlipMirror::Position::one) ? hal::ShutterState::closed : hal::ShutterState::open;
}

}  // namespace

FlipMirror::FlipMirror(std::unique_ptr<Controller> controller, Position closed)
    : Face(std::move(controller)), closed_(closed), properties_{last_fault_property()} {}

Result<std::unique_ptr<hal::Device>> FlipMirror::make(std::unique_ptr<Controller> controller, Position closed) {
  std::unique_ptr<FlipMirror> mirror(new FlipMirror(std::move(controller), closed));
  if (auto closing = mirror->begin_closed(); !closing) return std::move(closing).error();
  mirror->controller().on_return([m = mirror.get()] { return m->begin_closed(); });
  return std::unique_ptr<hal::Device>(std::move(mirror));
}

Result<void> FlipMirror::begin_closed() {
  const Result<Report> report = controller().status(kMount);
  if (!report) return report.error();
  if (state_of(report->status, closed_) == hal::ShutterState::closed) return {};
  return go(closed_);
}

Result<void> FlipMirror::go(Position position) {
  return controller().send(move_jog(kChannel, static_cast<std::uint8_t>(position)));
}

Result<void> FlipMirror::open() {
  if (auto here = connected(); !here) return here;
  return go(other(closed_));
}

void FlipMirror::close() noexcept {
  if (connected()) (void)go(closed_);
}

Result<hal::ShutterState> FlipMirror::state() {
  if (auto here = connected(); !here) return std::move(here).error();
  const Result<Report> report = controller().status(kMount);
  if (!report) return report.error();
  if (const std::string faults = fault_text(report->status); !faults.empty())
    return Error{Code::hardware_fault,
                 "the flip mount reports " + faults + ": free it and switch it off and on",
                 info().serial,
                 report->status,
                 {}};
  return state_of(report->status, closed_);
}

}  // namespace nicol::apt
