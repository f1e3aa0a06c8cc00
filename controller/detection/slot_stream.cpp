// SPDX-License-Identifier: Apache-2.0
// Queue of tags, losses and the order in which both meet the slot clock.
#include "controller/detection/slot_stream.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace nicol::detection {

static_assert(SlotStream::kQueue == ClockScratch::kClicks);

namespace {

/// How many of these sorted times are earlier: few, as a rule, of many. No branch but the last depends on a time.
std::size_t count_before(std::span<const std::int64_t> times, std::int64_t to) noexcept {
  constexpr std::size_t kStep = 16;
  const std::int64_t* const t = times.data();
  std::size_t n = 0;
  while (n + kStep <= times.size() && t[n + kStep - 1] < to) n += kStep;
  const std::size_t end = std::min(n + kStep, times.size());
  std::size_t more = 0;
  for (std::size_t i = n; i < end; ++i) more += t[i] < to ? 1U : 0U;
  return n + more;
}

}  // namespace

SlotStream::SlotStream(const hal::TimingLayout& timing, TickLength tick, hal::ChannelRole counted,
                       const SlotSourceOptions& options, DroppedSlots& dropped)
    : unit_(timing, tick),
      channels_(timing, unit_, counted),
      clock_(make_slot_source(unit_, channels_, options)),
      slots_(options.slots),
      dropped_(&dropped),
      longest_((std::int64_t{1} << 61) / unit_.num) {
  lost_.reserve(64);
}

Error SlotStream::fail(Error error) {
  failed_ = error;
  return error;
}

Result<void> SlotStream::process(const hal::TagBlock& block, Memory memory, TagSink& sink) {
  if (failed_) return *failed_;
  if (block.tag_count == 0 && block.loss_count == 0 && block.t_end <= block.t_begin) return {};  // a timeout
  if (auto admitted = admit(block); !admitted) return admitted;
  if (lost_track_) return skip(block, sink), Result<void>{};
  std::span<const hal::TimeTag> tags = block.tags();
  while (!tags.empty()) {
    const std::size_t queued = queue_run(tags, memory);
    tags_ += queued;
    tags = tags.subspan(queued);
    if (tags.empty()) break;
    if (tags.front().ticks < last_ticks_)
      return fail({Code::protocol, fmt::format("tag at {} ticks after one at {}", tags.front().ticks, last_ticks_)});
    if (tail_ == kQueue || full()) {
      if (auto made = make_room(tags.front().ticks, memory, sink); !made) return made;
      if (lost_track_) return skip(block, sink), Result<void>{};
      continue;
    }
    mark(tags.front());
    tags = tags.subspan(1);
  }
  watermark_ = stream_time(block.t_end);
  drain(memory, sink);
  return {};
}

/// Order and range of the block; losses are taken in before any tag.
Result<void> SlotStream::admit(const hal::TagBlock& block) {
  if (!running_) {
    running_ = true;
    origin_ = last_ticks_ = end_ticks_ = block.t_begin;
  }
  const auto tags = block.tags();
  const bool ordered = block.t_begin >= end_ticks_ && block.t_end >= block.t_begin &&
                       (tags.empty() || (tags.front().ticks >= block.t_begin && tags.back().ticks < block.t_end));
  if (!ordered)
    return fail(
        {Code::protocol, fmt::format("block {} covers {}..{} ticks after {}, with tags {}..{}", block.sequence,
                                     block.t_begin, block.t_end, end_ticks_, tags.empty() ? 0 : tags.front().ticks,
                                     tags.empty() ? 0 : tags.back().ticks)});
  if (static_cast<Wide>(block.t_end) - origin_ > longest_)
    return fail({Code::out_of_range,
                 fmt::format("stream runs from {} to {} ticks: too long for one block", origin_, block.t_end)});
  if (block.t_begin > end_ticks_) add_loss(end_ticks_, block.t_begin);
  for (const hal::LossInterval& loss : block.losses())
    if (channels_.counts_any(loss.channels)) add_loss(loss.begin, loss.end);
  end_ticks_ = block.t_end;
  return {};
}

/// In corrected time, for every channel's delay, and longer by the blind time: a tag that was lost also blinds.
void SlotStream::add_loss(std::int64_t begin, std::int64_t end) {
  if (end <= begin) return;
  ++lost_intervals_;
  const auto clamped = [&](std::int64_t ticks) {
    return stream_time(static_cast<std::int64_t>(
        std::clamp<Wide>(ticks, static_cast<Wide>(origin_) - longest_ / 2, static_cast<Wide>(origin_) + longest_)));
  };
  lost_.push_back({clamped(begin) - channels_.largest_delay(), clamped(end) - channels_.least_delay() + unit_.blind});
}

/// Queues counted tags up to the first sync or frame tag, disorder, or a full queue; returns how many tags it took.
std::size_t SlotStream::queue_run(std::span<const hal::TimeTag> tags, Memory memory) noexcept {
  std::int64_t* const times = memory.times.data();
  std::uint8_t* const who = memory.who.data();
  const std::int64_t origin = origin_, num = unit_.num;
  const ChannelTable::View channels = channels_.view();
  std::int64_t last = last_ticks_;
  std::int64_t newest = tail_ > 0 ? times[tail_ - 1] : std::numeric_limits<std::int64_t>::min();
  std::size_t n = tail_;
  const hal::TimeTag* tag = tags.data();
  const hal::TimeTag* const end = tag + tags.size();
  for (; tag != end; ++tag) {
    const ChannelTable::Entry e = channels[tag->channel];
    if (tag->ticks < last || n == kQueue || e.use > ChannelUse::counted) break;
    last = tag->ticks;
    const std::int64_t t = (last - origin) * num - e.delay;
    times[n] = t;
    who[n] = e.who;
    if (e.use == ChannelUse::ignored) continue;
    if (t < newest) [[unlikely]]
      sort_in(memory, n);
    else
      newest = t;
    ++n;
  }
  tail_ = n;
  last_ticks_ = last;
  return static_cast<std::size_t>(tag - tags.data());
}

/// Delays differ by little: a tag that overtook others moves by a place or two.
void SlotStream::sort_in(Memory memory, std::size_t place) noexcept {
  const std::int64_t t = memory.times[place];
  const std::uint8_t w = memory.who[place];
  for (; place > 0 && memory.times[place - 1] > t; --place) {
    memory.times[place] = memory.times[place - 1];
    memory.who[place] = memory.who[place - 1];
  }
  memory.times[place] = t;
  memory.who[place] = w;
}

void SlotStream::mark(const hal::TimeTag& tag) noexcept {
  const ChannelTable::Entry& e = channels_[tag.channel];
  const std::int64_t t = stream_time(tag.ticks) - e.delay;
  last_ticks_ = tag.ticks;
  ++tags_;
  const bool is_frame = e.use == ChannelUse::frame;
  if (auto* clock = std::get_if<SlotClock>(&clock_)) {
    if (is_frame) return clock->frame(t);
    clock->sync(t);
  } else if (auto* pulses = std::get_if<PpsClock>(&clock_)) {
    if (is_frame) return pulses->frame(t);
    pulses->pps(t);
  }
  ++sync_tags_;
}

/// Everything before the tag that found no room is in. Where no sync tag came for a whole queue of tags, the rate must
/// do. Depends on the tags alone, so that cutting the stream elsewhere changes nothing.
Result<void> SlotStream::make_room(std::int64_t next_ticks, Memory memory, TagSink& sink) {
  watermark_ = stream_time(next_ticks);
  drain(memory, sink);
  if (tail_ < kQueue && !full()) return {};
  if (!started()) {
    forget_oldest(recovers() ? tail_ / 8 : tail_ / 2, memory, sink);
  } else if (held_) {
    lost_track_ = true;
    return {};
  } else {
    extrapolate(memory, sink);
    settle(memory, sink);
  }
  if (tail_ == kQueue || full())
    return fail({Code::exhausted, fmt::format("more than {} tags before their slots are known", kQueue)});
  return {};
}

void SlotStream::forget_oldest(std::size_t n, Memory memory, TagSink& sink) {
  head_ = n;
  if (head_ > 0) sink.before_block(memory.times[head_ - 1]);
  settle(memory, sink);
}

void SlotStream::drain(Memory memory, TagSink& sink) {
  for (bool more = true; more;) {
    more = observe(memory);
    drain_closed(memory, sink);
  }
  give_up(sink);
}

/// While a lost lock is searched, slots go by that nobody will number: they are complete, without a click.
void SlotStream::give_up(TagSink& sink) {
  auto* const clock = std::get_if<RecoveredClock>(&clock_);
  if (clock == nullptr || held_) return;
  const std::uint64_t below = std::min(clock->give_up(limit()), slots_);
  if (below <= complete_) return;
  complete_ = below;
  sink.complete(complete_);
}

/// Lets a clock that lives on clicks look at those that are in; true if it stopped before the last of them.
bool SlotStream::observe(Memory memory) {
  auto* const clock = std::get_if<RecoveredClock>(&clock_);
  if (clock == nullptr) return false;
  const std::int64_t* const first = memory.times.data();
  const auto in = static_cast<std::size_t>(std::lower_bound(first, first + tail_, limit()) - first);
  seen_ = clock->observe({memory.times.first(in), memory.who.first(in), limit(), memory.scratch}, seen_);
  return seen_ < in;
}

void SlotStream::drain_closed(Memory memory, TagSink& sink) {
  drop_unconfirmed();
  const auto closed = [&](auto& clock) {
    if (!clock.started() || !clock.firm(sync_in())) return;
    while (clock.has_closed()) {
      feed(clock.oldest(), std::min(limit(), clock.oldest_end()), memory, sink);
      if (limit() < clock.oldest_end()) return settle(memory, sink);
      clock.pop();
    }
    if (!held_ && clock.over(sync_in())) extrapolate(memory, sink);
    settle(memory, sink);
  };
  std::visit(closed, clock_);
}

void SlotStream::drop_unconfirmed() {
  const auto drop = [&](auto& clock) {
    if (const auto range = clock.take_unconfirmed())
      dropped_->add(static_cast<std::int64_t>(range->begin), static_cast<std::int64_t>(range->end));
  };
  if (auto* clock = std::get_if<RecoveredClock>(&clock_)) drop(*clock);
  if (auto* clock = std::get_if<PpsClock>(&clock_)) drop(*clock);
}

void SlotStream::extrapolate(Memory memory, TagSink& sink) {
  const Stretch line = std::visit([](const auto& clock) { return clock.extrapolated(); }, clock_);
  const std::int64_t trusted = std::visit([](const auto& clock) { return clock.trusted_slots(); }, clock_);
  const std::int64_t reached = first_gate_ending_after(line, limit(), unit_.gate);
  if (reached > trusted) dropped_->add(trusted, reached);
  feed(line, limit(), memory, sink);
}

/// Hands on the queued tags before `to`.
void SlotStream::feed(const Stretch& stretch, std::int64_t to, Memory memory, TagSink& sink) {
  if (to <= fed_to_) return;
  fed_to_ = to;
  fed_by_ = stretch;
  if (!lost_.empty()) drop_losses(stretch, to);
  const std::size_t n = count_before(std::span(memory.times).subspan(head_, tail_ - head_), to);
  if (n > 0 && !done()) sink.take(stretch, memory.times.subspan(head_, n), memory.who.subspan(head_, n));
  head_ += n;
}

/// Moves what is still queued to the front and says which slots are over.
void SlotStream::settle(Memory memory, TagSink& sink) {
  if (head_ > 0) {
    const auto at = [&](std::size_t i) { return static_cast<std::ptrdiff_t>(i); };
    std::copy(memory.times.begin() + at(head_), memory.times.begin() + at(tail_), memory.times.begin());
    std::copy(memory.who.begin() + at(head_), memory.who.begin() + at(tail_), memory.who.begin());
    tail_ -= head_;
    seen_ -= std::min(seen_, head_);
    if (auto* clock = std::get_if<RecoveredClock>(&clock_)) clock->forgotten(head_);
    head_ = 0;
  }
  if (!started() || fed_by_.length == 0) return;
  const std::int64_t over = first_gate_ending_after(fed_by_, fed_to_, unit_.gate);
  if (over > 0) complete_ = std::max(complete_, std::min(static_cast<std::uint64_t>(over), slots_));
  sink.complete(complete_);
}

/// The part of every loss that this stretch numbers. (A loss told too late begins in an older stretch: the line is good
/// enough there, and a click already judged is taken back at the end of the block.)
void SlotStream::drop_losses(const Stretch& stretch, std::int64_t to) {
  for (Lost& loss : lost_) {
    const std::int64_t end = std::min(loss.end, to);
    if (end <= loss.begin) continue;
    // What lies before a pause was complete, or is dropped already.
    dropped_->add(std::max(first_gate_ending_after(stretch, loss.begin, unit_.gate), resumed_at_),
                  first_gate_beginning_from(stretch, end, unit_.gate));
    loss.begin = end;
  }
  std::erase_if(lost_, [](const Lost& loss) { return loss.end <= loss.begin; });
}

/// Held, and no place for more tags before their slots are known: from here to the end of the pause they only blind.
void SlotStream::skip(const hal::TagBlock& block, TagSink& sink) noexcept {
  for (const hal::TimeTag& tag : block.tags()) {
    const ChannelTable::Entry& e = channels_[tag.channel];
    if (e.use == ChannelUse::counted) sink.before_block(stream_time(tag.ticks) - e.delay);
    last_ticks_ = tag.ticks;
  }
  watermark_ = stream_time(block.t_end);
}

Result<void> SlotStream::check_resume(std::uint64_t first_slot) const {
  if (failed_) return *failed_;
  if (!channels_.has_frame() && !recovers())
    return Error{Code::not_supported, "a tagger without frame channel cannot find its slots again after a pause"};
  const bool on_sync = first_slot % static_cast<std::uint64_t>(unit_.divider) == 0 || first_slot == slots_;
  if (on_sync && first_slot >= complete_ && first_slot <= slots_) return {};
  return Error{Code::out_of_range, fmt::format("light goes on at slot {}: expected a multiple of {} in {}..{}",
                                               first_slot, unit_.divider, complete_, slots_)};
}

Result<void> SlotStream::resume(std::uint64_t first_slot, StreamAfterPause stream, Memory memory, TagSink& sink) {
  if (auto ok = check_resume(first_slot); !ok) return ok;
  dropped_->add(static_cast<std::int64_t>(complete_), static_cast<std::int64_t>(first_slot));
  if (tail_ > 0) sink.before_block(memory.times[tail_ - 1]);
  sink.complete(first_slot);
  complete_ = first_slot;
  resumed_at_ = static_cast<std::int64_t>(first_slot);
  head_ = tail_ = seen_ = 0;
  lost_.clear();
  fed_by_ = {};
  held_ = lost_track_ = false;
  std::visit([&](auto& clock) { clock.resume(first_slot); }, clock_);
  if (stream == StreamAfterPause::restarted) begin_anew(sink);
  return {};
}

/// Nobody saw what came just before the new stream: it counts as a tag at its very beginning.
void SlotStream::begin_anew(TagSink& sink) {
  observed_before_ += watermark_;
  watermark_ = 0;
  running_ = false;
  fed_to_ = std::numeric_limits<std::int64_t>::min();
  sink.before_block(-channels_.least_delay());
}

void SlotStream::finish(Memory memory, TagSink& sink) {
  if (started() && !failed_ && !held_) {
    watermark_ = std::max(watermark_, stream_time(end_ticks_));
    drain(memory, sink);
    const auto hand_on = [&](auto& clock) {
      for (; clock.has_closed(); clock.pop()) feed(clock.oldest(), std::min(limit(), clock.oldest_end()), memory, sink);
    };
    std::visit(hand_on, clock_);
    if (started()) extrapolate(memory, sink);
    settle(memory, sink);
  }
  drop_unconfirmed();
  if (const auto* clock = std::get_if<RecoveredClock>(&clock_))
    dropped_->add(static_cast<std::int64_t>(clock->confirmed_slots()), static_cast<std::int64_t>(slots_));
  dropped_->add(static_cast<std::int64_t>(complete_), static_cast<std::int64_t>(slots_));
}

}  // namespace nicol::detection
