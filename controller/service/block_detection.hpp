// SPDX-License-Identifier: Apache-2.0
// A block's detection: the receiver's own settings where it chooses them, and the detector that turns tags into clicks.
// No device, no clock: the receiver feeds it, and a recording is replayed through it.
#pragma once

#include <memory>
#include <optional>

#include "controller/detection/slot_detector.hpp"
#include "controller/service/light_journal.hpp"

namespace nicol::service {

struct DetectionPlan {
  std::uint64_t index = 0, slots = 0;  // of the block
  hal::ReceiverKind receiver = hal::ReceiverKind::passive;
  double p_diagonal = 0.5;   // active receivers
  std::size_t capacity = 0;  // clicks that fit
  hal::TimingLayout timing;
  TickLength tick;
  std::optional<detection::PublicPattern> pattern = {};   // that Alice sends
  std::optional<detection::ClockPrior> known_clock = {};  // from the block before
};

class BlockDetection {
 public:
  /// `random` and `journal` (none: nullptr) outlive this.
  BlockDetection(const DetectionPlan& plan, Random& random, LightJournal* journal);
  BlockDetection(BlockDetection&&) noexcept = default;
  BlockDetection& operator=(BlockDetection&&) noexcept = delete;

  /// An active receiver's own choices; none for a passive one.
  struct Choices {
    secret::BitString bases, swapped;
  };
  const Choices* choices() const { return choices_.get(); }

  Result<void> process(const hal::TagBlock& block);
  detection::SlotDetector::Progress take_progress();
  void drop(detection::SlotRange slots);
  void hold();
  Result<void> resume(std::uint64_t first_slot, detection::StreamAfterPause stream);
  std::uint64_t complete_slots() const { return detector_->complete_slots(); }
  bool frame_seen() const { return detector_->frame_seen(); }
  bool done() const { return detector_->done(); }
  std::optional<detection::ClockReport> clock() const { return detector_->clock(); }
  bool awaits_lock() const { return detector_->awaits_lock(); }
  std::uint64_t tags() const { return detector_->tags(); }
  detection::SlotDetector::Finished finish();

 private:
  LightNotes notes_;
  std::unique_ptr<Choices> choices_;
  std::optional<detection::SlotDetector> detector_;
  std::uint64_t taken_ = 0;  // slots complete at the last take_progress()
};

}  // namespace nicol::service
