// SPDX-License-Identifier: Apache-2.0
// Alice's choices of one block, from the draw to what heralds and hints leave over of them. No device, no clock: the
// emitter makes light of what this holds, and a recording is replayed through it.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "controller/detection/dropped_slots.hpp"
#include "controller/detection/slot_detector.hpp"
#include "controller/secret/bit_string.hpp"
#include "controller/service/light_journal.hpp"

namespace nicol::service {

struct PreparationPlan {
  std::uint64_t index = 0, slots = 0;  // of the block
  double p_diagonal = 0.5;
  std::size_t capacity = 0;  // kept settings that fit
  /// Where a slot counts only with a herald on Alice's own tagger.
  struct Heralds {
    hal::TimingLayout timing;
    TickLength tick;
  };
  std::optional<Heralds> heralds;
  std::optional<detection::PublicPattern> pattern = {};  // what the public slots carry
};

class PreparedSlots {
 public:
  struct Chunk {
    std::uint64_t first = 0;
    std::size_t slots = 0;
    secret::BitString bases, bits;
    std::vector<std::uint64_t> heralded, clicked;
  };
  /// `random` and `journal` (none: nullptr) outlive this.
  PreparedSlots(const PreparationPlan& plan, Random& random, LightJournal* journal);
  PreparedSlots(PreparedSlots&&) noexcept = default;
  PreparedSlots& operator=(PreparedSlots&&) noexcept = delete;

  Chunk draw(std::uint64_t first, std::size_t slots);
  /// The chunk has left: it waits for heralds and hints.
  void emitted(Chunk&& chunk);
  std::size_t waiting() const { return chunks_.size(); }
  bool heralded() const { return heralds_.has_value(); }
  std::uint64_t herald_complete() const { return herald_complete_; }

  Result<void> process(const hal::TagBlock& heralds);
  void take_heralds();
  void hold();
  Result<void> resume(std::uint64_t first_slot, detection::StreamAfterPause stream);
  /// Light goes on here: a public preamble stands there.
  void preamble_at(std::uint64_t first_slot);
  /// Bob's word on slots below complete_slots: all others of them are forgotten. It binds nothing.
  Result<void> hint(std::uint64_t complete_slots, const std::vector<std::uint64_t>& clicked);
  /// exhausted: more than fits.
  Result<void> keep_complete();
  void drop(detection::SlotRange slots);

  struct Prepared {
    detection::Clicks kept;
    std::uint64_t slots_prepared = 0;
  };
  Prepared finish();

 private:
  bool complete(const Chunk& chunk) const;
  void write_public(Chunk& chunk) const;
  bool all_public(const Chunk& chunk) const;
  void take_out_public(std::vector<std::uint64_t>& slots) const;
  void place_heralds(const std::vector<std::uint64_t>& heralded);
  Result<void> keep(const Chunk& chunk);

  PreparationPlan plan_;
  Random* random_;
  LightNotes notes_;
  std::optional<detection::HeraldDetector> heralds_;
  std::deque<Chunk> chunks_;
  std::uint64_t hinted_ = 0, herald_complete_ = 0, prepared_ = 0;
  std::vector<std::uint64_t> kept_slots_;
  secret::BitCollector kept_bases_, kept_bits_;
  detection::DroppedSlots dropped_;
};

}  // namespace nicol::service
