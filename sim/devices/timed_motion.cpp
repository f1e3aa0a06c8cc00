// SPDX-License-Identifier: Apache-2.0
// Waiting in slices, so that a stop request or a pulled cable is seen in time on a real clock too.
#include "sim/devices/timed_motion.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace nicol::sim {
namespace {

constexpr Picoseconds kSlice{5'000'000'000};  // 5 ms

}  // namespace

TimedMotion::TimedMotion(RigClock& clock, Picoseconds end, std::function<Result<void>()> fate)
    : clock_(&clock), end_(end), fate_(std::move(fate)) {}

Result<void> TimedMotion::wait(Deadline deadline, std::stop_token stop) {
  for (;;) {
    if (auto ok = fate_(); !ok) return ok;
    const Picoseconds now = clock_->now();
    if (now >= end_) return {};
    if (stop.stop_requested()) return Error{Code::cancelled, "waiting for the move was cancelled; it goes on"};
    if (std::chrono::steady_clock::now() >= deadline.at)
      return Error{Code::timeout, "the move had not ended by its deadline"};
    clock_->advance_to(std::min(end_, now + kSlice));
  }
}

bool TimedMotion::done() const noexcept { return clock_->now() >= end_ || !fate_().ok(); }

}  // namespace nicol::sim
