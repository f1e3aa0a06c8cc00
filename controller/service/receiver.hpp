// SPDX-License-Identifier: Apache-2.0
// Bob's quantum phase: opens the receiver, turns tags into clicks, and for a motorised analyser sets every slot's
// basis.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>

#include "controller/service/block_detection.hpp"
#include "controller/service/rate_guard.hpp"
#include "controller/service/rig_watch.hpp"
#include "controller/service/tag_buffer.hpp"
#include "drivers/hal/rig.hpp"

namespace nicol::service {

struct ReceiverOptions {
  double p_diagonal = 0.5;  // active receivers
  std::size_t clicks_per_block = std::size_t{1} << 21;
  std::chrono::milliseconds acquire_patience{20};
  std::optional<detection::PublicPattern> pattern;   // that Alice sends
  std::optional<detection::ClockPrior> known_clock;  // from the block before
  LightJournal* journal = nullptr;                   // outlives the receiver
};

/// Shutter open, detectors of the light path on.
Result<void> open_eyes(hal::Rig& rig);

/// One block. work() does a bounded piece and returns.
class Receiver {
 public:
  /// Shutter open, detectors on, tagger started: ready for light when this returns. The guard outlives this, and
  /// remembers what was bright in the block before.
  static Result<Receiver> begin(hal::Rig& rig, Random& random, RateGuard& guard, const ReceiverOptions& options,
                                std::uint64_t block, std::uint64_t slots);
  Receiver(Receiver&&) noexcept = default;
  Receiver& operator=(Receiver&&) noexcept = delete;

  enum class Progress : std::uint8_t { acquired, idle, finished };
  /// over_rate: a detector was over its limit; see RateGuard.
  Result<Progress> work();
  detection::SlotDetector::Progress take_progress() { return detector_->take_progress(); }
  std::uint64_t slots() const { return slots_; }
  std::uint64_t clicks() const { return clicks_; }
  void count(std::uint64_t clicks) { clicks_ += clicks; }

  /// The rig was just found as it was set: what was detected so far is confirmed.
  void confirm() { confirmed_ = detector_->complete_slots(); }
  Doubt doubt() const { return doubt_; }  // where the last failed call of work() or resume() met its error
  /// Light stops. Returns the first slot in doubt; may be called again, with more doubts.
  std::uint64_t pause(Doubt doubt);
  /// Alice vouches for nothing from this slot on to where light goes on.
  void distrust(std::uint64_t from_slot) { in_doubt_from_ = std::min(in_doubt_from_, from_slot); }
  /// Takes the light that is still on its way. A tagger that is lost is started anew by resume(); what no waiting heals
  /// (too much light) is an error.
  Result<void> wait_in_dark();
  /// Older light, and its frame marker, may still be on their way until drained() says no.
  void drain() { drained_ = false; }
  bool drained() const { return drained_ || tagger_lost_; }
  /// Ready for light from `slot` on when this returns; slots in doubt are dropped. At slots() no light is to come, and
  /// no device is needed.
  Result<void> resume(std::uint64_t slot);
  /// Where slots do not come from a sync channel.
  std::optional<detection::ClockReport> clock() const { return detector_->clock(); }
  bool awaits_lock() const { return detector_->awaits_lock(); }
  std::uint64_t tags() const { return detector_->tags(); }
  bool all_confirmed() const { return confirmed_ == slots_; }
  /// The slots since the last confirmed one are dropped: the block ends with a rig in doubt.
  void drop_unconfirmed() { detector_->drop({confirmed_, slots_}); }

  detection::SlotDetector::Finished finish() { return detector_->finish(); }
  static void close(hal::Rig& rig) noexcept;

 private:
  Receiver(hal::Rig& rig, RateGuard& guard, const ReceiverOptions& options, std::uint64_t slots);
  bool analyses() const { return detector_->choices() != nullptr; }
  Result<void> turn_analyser(std::uint64_t slot);
  Result<Progress> acquire();
  Result<void> look_again();

  hal::Rig* rig_;
  ReceiverOptions options_;
  std::uint64_t slots_, clicks_ = 0;
  hal::TimeTagger* tagger_;
  std::uint64_t ready_for_ = 0;  // the slot that an active receiver's analyser stands for
  std::unique_ptr<TagBuffer> tags_;
  RateGuard* guard_;
  std::optional<BlockDetection> detector_;

  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  Doubt doubt_ = Doubt::tagger;
  std::uint64_t confirmed_ = 0, in_doubt_from_ = kNone;  // of the pause under way
  bool drained_ = false, tagger_lost_ = false;
};

}  // namespace nicol::service
