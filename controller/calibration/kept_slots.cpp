// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/kept_slots.hpp"

#include <algorithm>

namespace nicol::calibration {

KeptSlots::~KeptSlots() {
  if (heralds_ != nullptr) heralds_->end();
}

Result<void> KeptSlots::begin() { return heralds_ != nullptr ? heralds_->begin(slots_) : Result<void>(); }

Result<void> KeptSlots::look() {
  if (heralds_ == nullptr) return {};
  auto more = heralds_->more();
  if (!more) return std::move(more).error();
  complete_ = more->complete_slots;
  heralded_.insert(heralded_.end(), more->heralded.begin(), more->heralded.end());
  return {};
}

std::array<CoincidenceCounts, 4> KeptSlots::count(std::span<const SlotClicks> clicked,
                                                  const std::array<std::uint64_t, 4>& sent, std::uint64_t end,
                                                  detection::DroppedSlots& dropped,
                                                  const std::function<std::uint8_t(std::uint64_t)>& state_of) const {
  std::array<CoincidenceCounts, 4> out{};
  if (heralds_ == nullptr) {
    for (std::size_t s = 0; s < 4; ++s) out[s].slots = sent[s];
    for (const SlotClicks& c : clicked)
      if (c.slot < end && !dropped.contains(c.slot)) out[state_of(c.slot)].add(c.seen);
    return out;
  }
  auto next = clicked.begin();
  for (const std::uint64_t slot : heralded_) {
    if (slot >= std::min(end, complete_)) break;
    if (dropped.contains(slot)) continue;
    CoincidenceCounts& counts = out[state_of(slot)];
    ++counts.slots;
    next = std::find_if(next, clicked.end(), [slot](const SlotClicks& c) { return c.slot >= slot; });
    if (next != clicked.end() && next->slot == slot) counts.add(next->seen);
  }
  return out;
}

}  // namespace nicol::calibration
