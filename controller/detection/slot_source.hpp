// SPDX-License-Identifier: Apache-2.0
// What numbers the slots: marks of a sync channel, a pulse a second, or the clicks themselves. All three give the same
// thing, straight stretches of the slot clock, oldest first; the roles of the channels say which it is.
#pragma once

#include <concepts>
#include <optional>
#include <variant>

#include "controller/detection/clock/pps_clock.hpp"
#include "controller/detection/clock/recovered_clock.hpp"
#include "controller/detection/slot_clock.hpp"

namespace nicol::detection {

/// What SlotStream asks of each of them.
template <class C>
concept SlotKeeper = requires(C clock, const C asked, std::int64_t t, std::uint64_t slot) {
  { asked.started() } -> std::same_as<bool>;                // numbers tags now
  { asked.firm(t) } -> std::same_as<bool>;                  // and no mark before t can change where it began
  { asked.full() } -> std::same_as<bool>;                   // no room for another stretch
  { asked.has_closed() } -> std::same_as<bool>;             // a stretch is final:
  { asked.oldest() } -> std::same_as<Stretch>;              //   this one,
  { asked.oldest_end() } -> std::same_as<std::int64_t>;     // up to here;
  clock.pop();                                              //   done with it
  { asked.extrapolated() } -> std::same_as<Stretch>;        // beyond the newest
  { asked.trusted_slots() } -> std::same_as<std::int64_t>;  // and how far that goes
  { asked.over(t) } -> std::same_as<bool>;                  // nothing before t can close another stretch of this block
  clock.resume(slot);                                       // light goes on here after a pause
};
static_assert(SlotKeeper<SlotClock> && SlotKeeper<PpsClock> && SlotKeeper<RecoveredClock>);

using SlotSource = std::variant<SlotClock, PpsClock, RecoveredClock>;

struct SlotSourceOptions {
  std::uint64_t slots = 0;
  Picoseconds frame_hint{0};
  std::optional<PublicPattern> pattern;  // lets the clicks number themselves where there is no sync channel
  RecoveryOptions recovery;
  PpsOptions pps;
};

/// A sync channel before all; else clicks, if a public pattern is sent; else a pps channel; else frame markers alone.
SlotSource make_slot_source(const StreamTiming& unit, const ChannelTable& channels, const SlotSourceOptions& options);

}  // namespace nicol::detection
