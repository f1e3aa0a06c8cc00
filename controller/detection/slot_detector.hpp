// SPDX-License-Identifier: Apache-2.0
// Tags to clicks: the sync channel numbers the slots, gates pick the tags, liveness and multi-click rules of
// DESIGN.md 6.2 decide what a slot says. Pure: resumable, no clock, no thread, nothing allocated per click.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "controller/detection/clicks.hpp"
#include "controller/detection/clock/clock_report.hpp"
#include "controller/detection/clock/public_pattern.hpp"
#include "drivers/hal/random.hpp"
#include "drivers/hal/rig.hpp"

namespace nicol::detection {

/// Public counts of what happened on the way, for monitors and the closing table.
struct DetectionReport {
  std::uint64_t tags = 0, sync_tags = 0, in_gate = 0, out_of_gate = 0;
  std::uint64_t repeats = 0;  // second tag of one detector in one slot
  std::uint64_t same_basis_multi = 0, cross_basis_multi = 0;
  std::uint64_t blinded = 0;  // tags whose slot was dropped by liveness
  std::uint64_t lost_intervals = 0, dropped_slots = 0;
  std::uint64_t sync_missing = 0, sync_rejected = 0;
  std::optional<ClockReport> clock;        // where slots come from clicks or from a pulse a second
  Picoseconds observed{0};                 // the stretch of stream behind these counts, for rates
  std::vector<std::uint64_t> per_channel;  // in-gate tags per tagger channel
  /// Arrival relative to the channel's delay, one histogram a detector, `histogram_bin` wide, centred.
  Picoseconds histogram_bin{0};
  std::vector<std::vector<std::uint32_t>> arrival;
};

/// Bob's own settings where the basis is not the channel (active receiver): slot k's basis and whether the roles of the
/// two detectors were swapped (analyser at 45 or 67.5 degrees).
struct ReceiverSettings {
  const secret::BitString* bases = nullptr;
  const secret::BitString* swapped = nullptr;
};

/// What became of the tagger during a pause: its ticks go on, or it was started anew and counts from another origin.
enum class StreamAfterPause : std::uint8_t { goes_on, restarted };

struct DetectorOptions {
  std::uint64_t slots = 0;    // of the block; tags of later slots are ignored
  std::size_t capacity = 0;   // clicks that fit; a fuller block is refused (exhausted)
  Picoseconds frame_hint{0};  // unused where a frame channel exists
  ReceiverSettings settings;  // active receivers only
  std::size_t histogram_bins = 128;
  /// Sent by Alice: its slots are no key and leave no click. Without sync channel slots are recovered by it, which
  /// needs a passive receiver.
  std::optional<PublicPattern> pattern;
  std::optional<ClockPrior> known_clock;  // from the block before, where slots come from clicks
};

class SlotDetector {
 public:
  SlotDetector(const hal::TimingLayout& timing, TickLength tick, const DetectorOptions& options, Random& random);
  ~SlotDetector();
  SlotDetector(SlotDetector&&) noexcept;
  SlotDetector& operator=(SlotDetector&&) noexcept;

  /// Takes the next block of the stream, in order. exhausted when capacity is passed; protocol when the stream
  /// contradicts itself (out of order).
  Result<void> process(const hal::TagBlock& block);
  /// Slots that can no longer change (all tags that could reach them are in), and the clicked ones since the last call.
  struct Progress {
    std::uint64_t complete_slots = 0;
    std::vector<std::uint64_t> clicked;
  };
  Progress take_progress();
  /// Drops slots the mechanics could not confirm (late move, unplug). Clicks already judged there are taken back at the
  /// end, whatever a hint said of them.
  void drop(SlotRange slots);
  /// Light may have stopped: until resume() no slot completes that a sync tag does not vouch for.
  void hold();
  /// Alice goes on at `first_slot`: all slots from the last complete one up to it are dropped, and the next frame tag
  /// marks it. Tags of older light must have been processed. After a tagger was started anew its stream is `restarted`:
  /// ticks count from another origin. out_of_range, not_supported: the block cannot go on.
  Result<void> resume(std::uint64_t first_slot, StreamAfterPause stream);
  std::uint64_t complete_slots() const;
  /// Slot 0's frame marker, or after resume() the one that came with its slot, is in.
  bool frame_seen() const;
  /// True once every slot of the block is complete.
  bool done() const;
  struct Finished {
    Clicks clicks;
    DetectionReport report;
  };
  /// What a clock without sync channel says of itself now.
  std::optional<ClockReport> clock() const;
  /// Slots come from clicks, and no lock is held now.
  bool awaits_lock() const;
  std::uint64_t tags() const;
  /// Ends the block: slots not complete are dropped.
  Finished finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Alice's heralds: tags of the herald channel to the slots that have exactly a herald, in order. The same slot clock
/// and gates as Bob's; a slot inside a loss interval is dropped.
class HeraldDetector {
 public:
  HeraldDetector(const hal::TimingLayout& timing, TickLength tick, std::uint64_t slots);
  ~HeraldDetector();
  HeraldDetector(HeraldDetector&&) noexcept;
  HeraldDetector& operator=(HeraldDetector&&) noexcept;
  Result<void> process(const hal::TagBlock& block);
  struct Progress {
    std::uint64_t complete_slots = 0;
    std::vector<std::uint64_t> heralded;
  };
  Progress take_progress();
  /// As SlotDetector's: heralds of slots that were not complete say nothing.
  void hold();
  Result<void> resume(std::uint64_t first_slot, StreamAfterPause stream);
  bool done() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nicol::detection
