// SPDX-License-Identifier: Apache-2.0
// The tag stream of one block, sorted into the slot clock: what Bob's detectors and Alice's heralds have in common.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "controller/detection/channel_table.hpp"
#include "controller/detection/dropped_slots.hpp"
#include "controller/detection/slot_detector.hpp"
#include "controller/detection/slot_source.hpp"
#include "controller/detection/stretch.hpp"

namespace nicol::detection {

/// Receives counted tags in the order of their corrected times, each once, with the stretch that numbers them.
class TagSink {
 public:
  virtual ~TagSink() = default;
  /// times: stream time less the channel's delay; who: index into ChannelTable::counted(). All loss intervals that
  /// touch these times are in DroppedSlots already.
  virtual void take(const Stretch& stretch, std::span<const std::int64_t> times, std::span<const std::uint8_t> who) = 0;
  /// A tag too early for slot 0, or of slots that a pause has dropped: it blinds and says nothing else.
  virtual void before_block(std::int64_t time) = 0;
  /// No tag of a slot below `slots` will come any more.
  virtual void complete(std::uint64_t slots) = 0;
};

/// Holds tags back until the mark after them is in (or their own phases tell where they lie). The memory for them is
/// the caller's (locked at Bob's), given anew at each call with its contents unchanged. Equal results however the
/// stream is cut into blocks.
class SlotStream {
 public:
  static constexpr std::size_t kQueue = 16384;
  struct Memory {
    std::span<std::int64_t, kQueue> times;
    std::span<std::uint8_t, kQueue> who;
    ClockScratch* scratch = nullptr;  // where slots are recovered from clicks
  };
  SlotStream(const hal::TimingLayout& timing, TickLength tick, hal::ChannelRole counted,
             const SlotSourceOptions& options, DroppedSlots& dropped);

  /// protocol: out of order; out_of_range: more than 2^61 units of time; overflow: more tags than kQueue inside the
  /// spread of the channel delays. An error is final.
  Result<void> process(const hal::TagBlock& block, Memory memory, TagSink& sink);
  /// Light may have stopped in the midst of the block: nothing is numbered by extrapolation any more, so that a dark
  /// stretch does not count as slots. Tags of light on its way are still taken.
  void hold() noexcept { held_ = true; }
  /// Light goes on at `first_slot`: slots from the last complete one up to it are dropped, and the next frame tag marks
  /// it (or the preamble that stands there). Tags of older light must be in. out_of_range: no multiple of the divider,
  /// or below a complete slot; not_supported: a layout with sync or pps but no frame channel.
  Result<void> resume(std::uint64_t first_slot, StreamAfterPause stream, Memory memory, TagSink& sink);
  /// The stream ends here: what it covers is numbered by extrapolation, the rest of the block is dropped.
  void finish(Memory memory, TagSink& sink);

  const StreamTiming& unit() const { return unit_; }
  const ChannelTable& channels() const { return channels_; }
  bool started() const {
    return std::visit([](const auto& clock) { return clock.started(); }, clock_);
  }
  bool recovers() const { return std::holds_alternative<RecoveredClock>(clock_); }
  const SlotSource& clock() const { return clock_; }
  std::uint64_t complete_slots() const { return complete_; }
  bool done() const { return complete_ == slots_; }
  std::uint64_t tags() const { return tags_; }
  std::uint64_t sync_tags() const { return sync_tags_; }
  std::uint64_t lost_intervals() const { return lost_intervals_; }
  Picoseconds observed() const { return {(observed_before_ + watermark_) / unit_.den}; }

 private:
  struct Lost {
    std::int64_t begin, end;
  };
  Result<void> admit(const hal::TagBlock& block);
  void add_loss(std::int64_t begin, std::int64_t end);
  std::size_t queue_run(std::span<const hal::TimeTag> tags, Memory memory) noexcept;
  static void sort_in(Memory memory, std::size_t place) noexcept;
  void mark(const hal::TimeTag& tag) noexcept;
  Result<void> make_room(std::int64_t next_ticks, Memory memory, TagSink& sink);
  Result<void> check_resume(std::uint64_t first_slot) const;
  void begin_anew(TagSink& sink);
  void skip(const hal::TagBlock& block, TagSink& sink) noexcept;
  void forget_oldest(std::size_t n, Memory memory, TagSink& sink);
  void drain(Memory memory, TagSink& sink);
  void drain_closed(Memory memory, TagSink& sink);
  bool observe(Memory memory);
  bool full() const {
    return std::visit([](const auto& clock) { return clock.full(); }, clock_);
  }
  void drop_unconfirmed();
  void give_up(TagSink& sink);
  void extrapolate(Memory memory, TagSink& sink);
  void feed(const Stretch& stretch, std::int64_t to, Memory memory, TagSink& sink);
  void settle(Memory memory, TagSink& sink);
  void drop_losses(const Stretch& stretch, std::int64_t to);
  std::int64_t stream_time(std::int64_t ticks) const noexcept { return (ticks - origin_) * unit_.num; }
  /// All counted tags with corrected times below this are in.
  std::int64_t limit() const noexcept { return watermark_ - channels_.largest_delay(); }
  std::int64_t sync_in() const noexcept { return watermark_ - channels_.sync_delay(); }
  Error fail(Error error);
  StreamTiming unit_;
  ChannelTable channels_;
  SlotSource clock_;
  std::uint64_t slots_;
  DroppedSlots* dropped_;
  std::vector<Lost> lost_;                                    // corrected times, not yet wholly turned into slots
  bool running_ = false, held_ = false, lost_track_ = false;  // lost_track_: held with no room left
  std::int64_t origin_ = 0, last_ticks_ = 0, end_ticks_ = 0, longest_ = 0;
  std::int64_t watermark_ = 0, observed_before_ = 0;
  std::int64_t resumed_at_ = 0;  // slot from which the present numbering counts
  std::int64_t fed_to_ = std::numeric_limits<std::int64_t>::min();
  Stretch fed_by_;
  std::size_t head_ = 0, tail_ = 0;  // of the queue
  std::size_t seen_ = 0;             // of it, by a clock that lives on clicks
  std::uint64_t complete_ = 0, tags_ = 0, sync_tags_ = 0, lost_intervals_ = 0;
  std::optional<Error> failed_;
};

}  // namespace nicol::detection
