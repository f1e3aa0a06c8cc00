// SPDX-License-Identifier: Apache-2.0
// Alice's quantum phase: draws settings, makes them light, keeps only the slots that heralds and hints leave over.
#pragma once

#include <algorithm>
#include <vector>

#include "controller/service/prepared_slots.hpp"
#include "controller/service/rig_watch.hpp"
#include "controller/service/tag_buffer.hpp"
#include "drivers/hal/rig.hpp"

namespace nicol::service {

struct EmitterOptions {
  double p_diagonal = 0.5;
  std::size_t clicks_per_block = std::size_t{1} << 21;  // kept settings that fit
  std::optional<detection::PublicPattern> pattern;      // what the public slots carry
  std::size_t chunks_in_flight = 8;                     // settings waiting for Bob's hints
  LightJournal* journal = nullptr;                      // outlives the emitter
  static constexpr std::size_t kChunkSlots = std::size_t{1} << 19;
  /// Settings that wait, in locked memory.
  static constexpr std::size_t locked_bytes() { return std::size_t{8} * 2 * kChunkSlots / 8; }
};

/// One block. work() does a bounded piece and returns; nothing waits for the peer in here.
class Emitter {
 public:
  /// Begins the block: shutter open, emission on, frame marker out with the first chunk.
  static Result<Emitter> begin(hal::Rig& rig, Random& random, const EmitterOptions& options, std::uint64_t block,
                               std::uint64_t slots);
  Emitter(Emitter&&) noexcept = default;
  Emitter& operator=(Emitter&&) noexcept = delete;

  enum class Progress : std::uint8_t { emitted, waiting, finished };
  /// emitted: call again; waiting: hints must come first.
  Result<Progress> work();
  Result<void> hint(std::uint64_t complete_slots, const std::vector<std::uint64_t>& clicked) {
    return settings_.hint(complete_slots, clicked);
  }
  std::uint64_t slots_done() const { return next_slot_; }
  std::uint64_t slots() const { return slots_; }

  bool all_out() const { return next_slot_ == slots_; }

  /// The rig was just found as it was set: what has left so far is confirmed. (What waits in a source's memory has
  /// not.)
  void confirm() { confirmed_ = left(); }
  bool all_confirmed() const { return confirmed_ == slots_; }
  /// Where the last call of work() or resume() that failed met its error.
  Doubt doubt() const { return doubt_; }
  /// No light until resume(): the shutter closes, the source stays armed if it can. Returns the first slot in doubt;
  /// may be called again, with more doubts.
  std::uint64_t pause(Doubt doubt);
  /// Bob vouches for nothing from this slot on to where light goes on.
  void distrust(std::uint64_t from_slot);
  /// The slots since the last confirmed one are dropped: the block ends with a rig in doubt.
  void drop_unconfirmed() { settings_.drop({confirmed_, slots_}); }
  /// Reads heralds of light that is out.
  Result<void> wait_in_dark();
  /// Where light can go on: the next multiple of the sync divider that was never shown; slots() when none is left.
  std::uint64_t resume_slot() const;
  /// Light goes on; slots in doubt are dropped. At slots() nothing is emitted any more and no device is needed.
  Result<void> resume(std::uint64_t slot);

  /// After `finished`.
  PreparedSlots::Prepared finish() { return settings_.finish(); }
  /// Between blocks: no light leaves, the source stays armed.
  static void rest(hal::Rig& rig) noexcept;
  /// Dark at once and disarmed; safe on any path.
  static void dark(hal::Rig& rig) noexcept;

 private:
  using Chunk = PreparedSlots::Chunk;
  Emitter(hal::Rig& rig, hal::PulsedSource& source, Random& random, const EmitterOptions& options,
          const PreparationPlan& plan);
  Result<void> emit_chunk();
  Result<void> emit_pattern(const Chunk& chunk);
  Result<void> emit_motorised(const Chunk& chunk);
  Result<void> read_heralds();
  Result<void> resume_heralds(std::uint64_t slot);
  Result<void> relight(std::uint64_t slot);
  static Result<void> switch_on(hal::PulsedSource& source);
  Error failed(Doubt where, Error error);
  std::size_t chunk_slots() const;
  std::uint64_t left() const;  // the first slot that may still be in the source
  bool heralded() const { return settings_.heralded(); }

  hal::Rig* rig_;
  EmitterOptions options_;
  std::uint64_t slots_, next_slot_ = 0;
  hal::PulsedSource* source_;
  hal::TimeTagger* tagger_;
  hal::SourceCaps caps_;
  PreparedSlots settings_;
  std::unique_ptr<TagBuffer> tags_;
  bool ended_ = false;

  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  Doubt doubt_ = Doubt::source;
  std::uint64_t confirmed_ = 0, in_doubt_from_ = kNone;  // of the pause under way
  std::uint64_t attempted_ = 0;                          // slots after next_slot_ that may have been shown
  bool tagger_lost_ = false;
};

}  // namespace nicol::service
