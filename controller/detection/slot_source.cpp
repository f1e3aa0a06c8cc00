// SPDX-License-Identifier: Apache-2.0
// The choice by channel roles.
#include "controller/detection/slot_source.hpp"

#include <fmt/core.h>

#include <stdexcept>

namespace nicol::detection {
namespace {

/// Longer slots bring too few clicks in the time that two clocks stay together.
constexpr Picoseconds kLongestRecovered{10'000'000};

}  // namespace

SlotSource make_slot_source(const StreamTiming& unit, const ChannelTable& channels, const SlotSourceOptions& options) {
  const std::int64_t hint = unit.from(options.frame_hint);
  if (!channels.has_sync() && options.pattern) {
    if (options.pattern->layout().slots != options.slots)
      throw std::invalid_argument(
          fmt::format("public pattern of {} slots for a block of {}", options.pattern->layout().slots, options.slots));
    if (unit.period > unit.from(kLongestRecovered))
      throw std::invalid_argument(fmt::format("slots are recovered from clicks up to {} ps, not {} ps",
                                              kLongestRecovered.count, unit.period / unit.den));
    return SlotSource(std::in_place_type<RecoveredClock>, unit, channels, *options.pattern, options.recovery);
  }
  if (!channels.has_sync() && channels.has_pps())
    return SlotSource(std::in_place_type<PpsClock>, unit, options.slots, channels.has_frame(), hint, options.pps);
  return SlotSource(std::in_place_type<SlotClock>, unit, options.slots, channels.has_frame(), hint);
}

}  // namespace nicol::detection
