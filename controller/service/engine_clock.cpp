// SPDX-License-Identifier: Apache-2.0
// The slot clock of a receiver that has no sync channel, as the engine sees it: what it says is shown, what it knows is
// carried from block to block, and light that it cannot lock to ends the block in words.
#include <fmt/format.h>

#include "controller/service/engine.hpp"

namespace nicol::service {
namespace {

std::string words(const detection::ClockReport& c) {
  return fmt::format(
      "locked in {:.3f} s from {} tags: Bob's clock {:+.4f} ppm (+-{:.1g}), drift {:+.2g}/s, jitter {:.0f} ps, "
      "contrast "
      "{:.3f}; {} lock{}, {} slips, {} fades, {} phase jumps",
      c.lock_seconds, c.lock_clicks, c.frequency.value * 1e6, c.frequency.sigma * 1e6, c.drift.value, c.jitter * 1e12,
      c.contrast.value, c.locks, c.locks == 1 ? "" : "s", c.slips, c.fades, c.phase_losses);
}

}  // namespace

/// Tags that bring no lock for all of the light's patience, or no tags at all for the lock's: Alice holds her settings
/// until Bob tells her of slots, so that her light may stand still by now.
Engine::After Engine::watch_clock(Receiver::Progress progress) {
  now_.clock = receiver_->clock();
  if (!receiver_->awaits_lock() || progress == Receiver::Progress::acquired)
    lock_due_ = deadlines_.in(options_.lock_patience);
  if (!receiver_->awaits_lock() || !(deadlines_.passed(lock_due_) || deadlines_.passed(light_due_)))
    return After::go_on;
  const bool before = now_.clock && now_.clock->locks > 0;
  const std::string what =
      fmt::format("{} on Alice's light: {} tags since light opened, {} slots numbered",
                  before ? "lock was lost and not found again" : "no lock", receiver_->tags(), now_.slots_done);
  say(LogLine::Level::warning, "clock", what);
  alarms.raise("no-lock", Severity::warning, what,
               "See that light reaches the detectors, that both sides have the same slot period and public slots, and "
               "that their clocks are within 100 ppm. Fewer clicks need a longer preamble and a denser comb.");
  known_clock_.reset();
  close_light(Ending::rest);
  return apply(session_->abort_block(session::BlockReason::too_few, what));
}

/// Two windows that passed: the second vouches for the first.
void Engine::remember_clock(const std::optional<detection::ClockReport>& clock) {
  now_.clock = clock;
  if (!clock) return;
  if (clock->locks == 0 || clock->windows < 2) return known_clock_.reset();
  known_clock_ = detection::ClockPrior{clock->frequency.value, clock->drift.value};
  alarms.clear("no-lock");
  say(LogLine::Level::info, "clock", words(*clock));
}

}  // namespace nicol::service
