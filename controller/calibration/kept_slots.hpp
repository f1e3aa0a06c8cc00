// SPDX-License-Identifier: Apache-2.0
// The slots of one block of known light that count, as they become known, and what was seen in them.
#pragma once

#include <functional>
#include <span>

#include "controller/calibration/coincidences.hpp"
#include "controller/calibration/heralds.hpp"
#include "controller/detection/dropped_slots.hpp"

namespace nicol::calibration {

struct SlotClicks {
  std::uint64_t slot = 0;
  std::uint8_t seen = 0;  // bit d is detector d
};

class KeptSlots {
 public:
  /// `heralds` outlives it; nullptr: every slot counts.
  KeptSlots(Heralds* heralds, std::uint64_t slots) : heralds_(heralds), slots_(slots) {}
  KeptSlots(const KeptSlots&) = delete;
  KeptSlots& operator=(const KeptSlots&) = delete;
  ~KeptSlots();
  Result<void> begin();
  /// What is known by now.
  Result<void> look();
  bool knows(std::uint64_t slots) const { return heralds_ == nullptr || complete_ >= slots; }

  /// By sent state, of the slots below `end` that were not dropped. clicked: rising; sent: how many of each state those
  /// are.
  std::array<CoincidenceCounts, 4> count(std::span<const SlotClicks> clicked, const std::array<std::uint64_t, 4>& sent,
                                         std::uint64_t end, detection::DroppedSlots& dropped,
                                         const std::function<std::uint8_t(std::uint64_t)>& state_of) const;

 private:
  Heralds* heralds_;
  std::uint64_t slots_, complete_ = 0;
  std::vector<std::uint64_t> heralded_;
};

}  // namespace nicol::calibration
