// SPDX-License-Identifier: Apache-2.0
// Merging of dropped ranges.
#include "controller/detection/dropped_slots.hpp"

#include <algorithm>

namespace nicol::detection {

void DroppedSlots::add(std::int64_t begin, std::int64_t end) {
  if (end <= 0 || begin >= end) return;
  SlotRange range{static_cast<std::uint64_t>(std::max<std::int64_t>(begin, 0)),
                  std::min(static_cast<std::uint64_t>(end), slots_)};
  if (range.begin >= range.end) return;
  const auto touches = [](const SlotRange& r, std::uint64_t slot) { return r.end < slot; };
  const auto from = std::lower_bound(ranges_.begin(), ranges_.end(), range.begin, touches);
  auto to = from;
  for (; to != ranges_.end() && to->begin <= range.end; ++to) {
    range.begin = std::min(range.begin, to->begin);
    range.end = std::max(range.end, to->end);
  }
  ranges_.insert(ranges_.erase(from, to), range);
  cursor_ = 0;
}

std::uint64_t DroppedSlots::count() const noexcept {
  std::uint64_t n = 0;
  for (const SlotRange& r : ranges_) n += r.end - r.begin;
  return n;
}

void remove_dropped(Clicks& clicks) {
  if (clicks.dropped.empty()) return;
  auto range = clicks.dropped.begin();
  remove_clicks(clicks, [&](std::uint64_t slot) {
    while (range != clicks.dropped.end() && range->end <= slot) ++range;
    return range != clicks.dropped.end() && range->begin <= slot;
  });
}

}  // namespace nicol::detection
