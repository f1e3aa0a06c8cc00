// SPDX-License-Identifier: Apache-2.0
// After each block: tracking's word on the fibre, told to people, and to Alice where another block is worth her pads.
#include <fmt/format.h>

#include "controller/service/engine.hpp"
#include "controller/service/rig_call.hpp"

namespace nicol::service {
namespace {

constexpr const char *kExcess = "qber-excess", *kNotFollowing = "plates-not-following", *kTravelSpent = "plate-travel";
constexpr double kLongBlock = 20;        // seconds: a fibre walks on while its block is taken
constexpr std::uint32_t kBackOffAt = 3;  // failed blocks in a row
constexpr std::uint32_t kRepairs = 8;    // failed blocks in a row for which Bob may ask for the next one at once

}  // namespace

/// A calibration says anew where the plates belong.
void Engine::begin_tracking() {
  if (!options_.tracking) return;
  const auto* record = parts_.calibrations ? parts_.calibrations->newest("polarisation") : nullptr;
  tracking_ = std::make_unique<FibreTracking>(*parts_.rig, *options_.tracking,
                                              record != nullptr ? &record->report : nullptr, recorder_.get());
}

void Engine::track_from_here(std::uint64_t slots) {
  if (!tracking_) return;
  tracking_->light_opens();
  const double seconds = static_cast<double>(slots) * parts_.rig->timing.slot_period.seconds();
  if (seconds <= kLongBlock || std::exchange(long_blocks_told_, true)) return;
  say(LogLine::Level::warning, "tracking",
      fmt::format("blocks of {:.0f} s: the fibre turns meanwhile, tracking is made for at most {:.0f} s", seconds,
                  kLongBlock));
}

void Engine::track(const session::BlockResult& result) {
  auto report = tracking_ ? tracking_->block_done(result) : std::nullopt;
  if (!report) return;
  tell(*report);
  const bool again = result.status != session::BlockStatus::key && report->worth_another_try();
  now_.tracking = *report;
  tracks.push(*report);
  if (again && session_ && !calibration_) {
    RigCall call;
    call.method = RigMethod::try_again;
    (void)apply(session_->rig_call(encode(call)));
  }
}

/// Names no cause: in one setting of the plates a retarder in the fibre and a spy in it count alike. A fibre that jumps
/// in the midst of a block leaves an excess too, of that one block.
void Engine::tell(const TrackReport& next) {
  const bool stays = next.excess_alarm && now_.tracking && now_.tracking->excess_alarm;
  if (next.excess_alarm)
    alarms.raise(
        kExcess, stays ? Severity::critical : Severity::warning,
        fmt::format("QBER excess that compensation did not remove: {:.2f} %", 100 * next.excess_qber),
        "It is charged to Eve, and keys are shorter for it. Calibrate; if it stays, treat the line as attacked.");
  else
    alarms.clear(kExcess);
  if (next.not_following)
    alarms.raise(kNotFollowing, Severity::warning, "a plate of the compensator is not where it was sent",
                 "See to its mount. All plates go back to where they last were, rest, and try again.");
  else
    alarms.clear(kNotFollowing);
  if (next.travel_spent)
    alarms.raise(
        kTravelSpent, Severity::warning, "the compensator's plates have travelled as far as they may",
        "They rest, and the fibre is not followed any more. Calibrate again, or allow more (tracking.travel_deg).");
}

/// Bob has turned his plates after a block that failed: the wait that follows failures would only let the fibre walk.
/// What he may ask for is bounded, since each block costs pads.
void Engine::try_again() {
  const bool failing = now_.failed_in_a_row >= kBackOffAt && now_.failed_in_a_row <= kRepairs;
  if (!failing || now_.state != NodeState::backing_off || refusals_ > 0 || !held_off_.empty()) return;
  not_before_ = {};
  now_.state = NodeState::idle;
  say(LogLine::Level::info, "tracking", "the peer has turned his plates: the next block opens at once");
}

}  // namespace nicol::service
