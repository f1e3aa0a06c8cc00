// SPDX-License-Identifier: Apache-2.0
// The slots of a block that are public losses (tags may be missing, mechanics not confirmed, clock lost).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "controller/detection/clicks.hpp"

namespace nicol::detection {

/// Sorted disjoint ranges of one block of `slots` slots; what lies outside it is cut off.
class DroppedSlots {
 public:
  explicit DroppedSlots(std::uint64_t slots) : slots_(slots) {}
  /// Half-open; may overlap what is there.
  void add(std::int64_t begin, std::int64_t end);
  /// Cheap when asked with growing slots.
  bool contains(std::uint64_t slot) noexcept {
    if (slot < floor_) cursor_ = 0;
    floor_ = slot;
    while (cursor_ < ranges_.size() && ranges_[cursor_].end <= slot) ++cursor_;
    return cursor_ < ranges_.size() && ranges_[cursor_].begin <= slot;
  }
  std::uint64_t count() const noexcept;
  const std::vector<SlotRange>& ranges() const { return ranges_; }

 private:
  std::uint64_t slots_, floor_ = 0;
  std::size_t cursor_ = 0;
  std::vector<SlotRange> ranges_;
};

/// Takes out the clicks of all slots for which out(slot) holds; asked once a click, in order.
template <class F>
void remove_clicks(Clicks& clicks, F&& out) {
  secret::PublicBits keep(clicks.slots.size());
  std::size_t kept = 0;
  for (std::size_t i = 0; i < clicks.slots.size(); ++i) {
    const std::uint64_t slot = clicks.slots[i];
    if (out(slot)) continue;
    keep.set(i, true);
    clicks.slots[kept++] = slot;
  }
  if (kept == clicks.slots.size()) return;
  clicks.slots.resize(kept);
  clicks.bases = clicks.bases.extract(keep);
  clicks.bits = clicks.bits.extract(keep);
}

/// Takes back what was kept of slots that turned out to be dropped later.
void remove_dropped(Clicks& clicks);

}  // namespace nicol::detection
