// SPDX-License-Identifier: Apache-2.0
// Bob's quantum phase: opens the receiver, turns tags into clicks, and for a motorised analyser sets every slot's
// basis.
#pragma once

#include <memory>
#include <optional>

#include "controller/detection/slot_detector.hpp"
#include "controller/service/tag_buffer.hpp"
#include "drivers/hal/rig.hpp"

namespace nicol::service {

struct ReceiverOptions {
  double p_diagonal = 0.5;  // active receivers
  std::size_t clicks_per_block = std::size_t{1} << 21;
  std::chrono::milliseconds acquire_patience{20};
};

/// One block. work() does a bounded piece and returns.
class Receiver {
 public:
  /// Shutter open, detectors on, tagger started: ready for light when this returns.
  static Result<Receiver> begin(hal::Rig& rig, Random& random, const ReceiverOptions& options, std::uint64_t block,
                                std::uint64_t slots);
  Receiver(Receiver&&) noexcept = default;
  Receiver& operator=(Receiver&&) noexcept = delete;

  enum class Progress : std::uint8_t { acquired, idle, finished };
  Result<Progress> work();
  detection::SlotDetector::Progress take_progress() { return detector_->take_progress(); }
  std::uint64_t slots() const { return slots_; }
  std::uint64_t clicks() const { return clicks_; }
  void count(std::uint64_t clicks) { clicks_ += clicks; }
  detection::SlotDetector::Finished finish() { return detector_->finish(); }
  static void close(hal::Rig& rig) noexcept;

 private:
  /// An active receiver's own choices, and which slot the analyser stands ready for.
  struct Analyser {
    secret::BitString bases, swapped;
    std::uint64_t ready_for = 0;
  };
  Receiver(hal::Rig& rig, const ReceiverOptions& options, std::uint64_t slots);
  void choose_settings(Random& random, std::uint64_t block);
  Result<void> turn_analyser(std::uint64_t slot);
  Result<Progress> acquire();

  hal::Rig* rig_;
  ReceiverOptions options_;
  std::uint64_t slots_, clicks_ = 0;
  hal::TimeTagger* tagger_;
  std::unique_ptr<Analyser> analyser_;
  std::unique_ptr<TagBuffer> tags_;
  std::optional<detection::SlotDetector> detector_;
};

}  // namespace nicol::service
