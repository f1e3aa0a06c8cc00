// SPDX-License-Identifier: Apache-2.0
// Who writes down what a node does with its light: every act of a block's preparation and detection, in order, so that
// a recording can be replayed through the same classes (PreparedSlots, BlockDetection,
// PairMeasurement).
#pragma once

#include <cstdint>

#include "drivers/hal/time_tagger.hpp"

namespace nicol::service {

enum class LightAct : std::uint8_t {
  detect,    // Bob's block begins: index, slots
  prepare,   // Alice's: index, slots
  draw,      // settings of a chunk: first slot, slots
  emitted,   // the chunk drawn last has left
  hint,      // the last HINT is applied
  keep,      // complete chunks are kept
  progress,  // what is complete is taken from the detector
  hold,      // light stops
  resume,    // first slot, StreamAfterPause
  drop,      // slots begin, end
  finish,
  known_clock,  // before detect: what the block before learned of the clock, frequency and drift (f64)
  preamble,     // Alice's light goes on here: public slots stand there again
  measure,      // a block of shared pairs begins: index, slots
  unsure,       // of pairs: nothing from here to the block's end is vouched for; ps after its begin
  match,        // Bob: the pairs of both lists are found
  compensate    // Bob, between blocks: a plate's next setting; plate, radians (f64)
};
inline constexpr LightAct kLastLightAct = LightAct::compensate;

/// Called by the engine's thread, before the act. An act without effect is not told.
class LightJournal {
 public:
  virtual ~LightJournal() = default;
  virtual void act(LightAct act, std::uint64_t a, std::uint64_t b) noexcept = 0;
  /// The next block of this node's tag stream.
  virtual void tags(const hal::TagBlock& block) noexcept = 0;
};

/// What holds one is told nothing when nobody records.
class LightNotes {
 public:
  explicit LightNotes(LightJournal* journal) : journal_(journal) {}
  void act(LightAct act, std::uint64_t a = 0, std::uint64_t b = 0) const noexcept {
    if (journal_ != nullptr) journal_->act(act, a, b);
  }
  void tags(const hal::TagBlock& block) const noexcept {
    if (journal_ != nullptr) journal_->tags(block);
  }

 private:
  LightJournal* journal_;
};

}  // namespace nicol::service
