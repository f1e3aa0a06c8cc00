// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/click_stream.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <new>
#include <utility>

namespace nicol::detection::pairs {
namespace {

constexpr unsigned kDiagonal = 0b1010;  // codes 1 and 3, of four

bool inside_any(const std::vector<TimeRange>& ranges, std::int64_t t) {
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), t,
                                      [](std::int64_t time, const TimeRange& r) { return time < r.begin; });
  return after != ranges.begin() && t < (after - 1)->end;
}

}  // namespace

ClickStream::ClickStream(const hal::TimingLayout& timing, TickLength tick, const ClickStreamOptions& options,
                         Random& random)
    : options_(options),
      tick_(tick),
      blind_(std::max({timing.blind_time.count, options.join.count, 2 * options.closed_tick.count})),
      random_(&random),
      scratch_(sizeof(Scratch)),
      last_(std::numeric_limits<std::int64_t>::min() / 2),
      bases_(options.capacity),
      bits_(options.capacity) {
  least_delay_ = std::numeric_limits<std::int64_t>::max();
  largest_delay_ = std::numeric_limits<std::int64_t>::min();
  for (const hal::ChannelLayout& c : timing.channels) {
    if (c.role != hal::ChannelRole::detector) continue;
    if (c.channel >= channels_.size()) channels_.resize(std::size_t{c.channel} + 1);
    const auto code = static_cast<std::uint8_t>((c.basis & 1U) | (c.bit & 1U) << 1);
    const std::int64_t delay = c.delay.count + options.corrections[code];
    channels_[c.channel] = {true, code, delay};
    least_delay_ = std::min(least_delay_, delay);
    largest_delay_ = std::max(largest_delay_, delay);
  }
  if (channels_.empty()) least_delay_ = largest_delay_ = 0;
  scratch_.with_write([](std::span<std::byte> memory) { new (memory.data()) Scratch{}; });
}

template <class F>
void ClickStream::inside(F&& f) {
  scratch_.with_write(
      [&](std::span<std::byte> memory) { f(*std::launder(reinterpret_cast<Scratch*>(memory.data()))); });
}

Picoseconds ClickStream::elapsed() const { return {std::max<std::int64_t>(0, shown_ - largest_delay_ - origin_)}; }

Result<void> ClickStream::process(const hal::TagBlock& block) {
  if (!begun_) {
    begun_ = true;
    origin_ = tick_.to_picoseconds(block.t_begin).count;
    shown_ = origin_;
  }
  bool steps_back = false;
  for (const hal::LossInterval& loss : block.losses()) {
    ++counts_.lost_intervals;
    note_loss(tick_.to_picoseconds(loss.begin).count, tick_.to_picoseconds(loss.end).count);
  }
  inside([&](Scratch& s) {
    for (const hal::TimeTag& tag : block.tags()) {
      const std::int64_t raw = tick_.to_picoseconds(tag.ticks).count;
      steps_back = steps_back || raw < shown_ - (largest_delay_ - least_delay_);
      if (tag.channel < channels_.size() && channels_[tag.channel].counts) take(s, raw, channels_[tag.channel]);
    }
    shown_ = std::max(shown_, tick_.to_picoseconds(block.t_end).count);
    release(s, shown_ - largest_delay_ - origin_);
  });
  if (steps_back) return Error{Code::protocol, "the tagger's time steps back", "tagger", 0, {}};
  if (overfull_)
    return Error{
        Code::exhausted, fmt::format("more than the {} clicks that a block may hold", options_.capacity), "", 0, {}};
  return {};
}

/// Delays put tags of different channels out of order: each waits until no earlier one can come.
void ClickStream::take(Scratch& s, std::int64_t raw, const Channel& channel) {
  ++counts_.tags;
  if (waiting_ == kQueue) release(s, raw - largest_delay_ - origin_);
  if (waiting_ == kQueue) release(s, std::numeric_limits<std::int64_t>::max());
  std::size_t k = waiting_++;
  const std::int64_t time = raw - channel.delay - origin_;
  for (; k > 0 && s.times[k - 1] > time; --k) s.times[k] = s.times[k - 1], s.codes[k] = s.codes[k - 1];
  s.times[k] = time, s.codes[k] = channel.code;
}

void ClickStream::release(Scratch& s, std::int64_t horizon) {
  std::size_t n = 0;
  for (; n < waiting_ && s.times[n] < horizon; ++n) judge(s, s.times[n], s.codes[n]);
  std::copy(s.times + n, s.times + waiting_, s.times);
  std::copy(s.codes + n, s.codes + waiting_, s.codes);
  waiting_ -= n;
}

/// Any tag blinds all detectors: what comes while one is blind says nothing, and blinds again.
void ClickStream::judge(Scratch& s, std::int64_t time, unsigned code) {
  const std::int64_t gap = time - last_;
  last_ = time;
  if (s.open.fired != 0 && time - s.open.time <= options_.join.count) {
    s.open.fired |= 1U << code;
    return;
  }
  settle(s);
  if (gap < blind_)
    ++counts_.blinded;
  else
    s.open = {time, 1U << code};
}

void ClickStream::settle(Scratch& s) {
  const unsigned fired = std::exchange(s.open.fired, 0U);
  if (fired == 0 || s.open.time < 0 || s.open.time >= options_.duration.count) return;
  if (times_.size() == options_.capacity) {
    overfull_ = true;
    return;
  }
  auto code = static_cast<unsigned>(std::countr_zero(fired));
  if (!std::has_single_bit(fired)) {
    random_->fill(Purpose::multi_click, options_.block << 32 | times_.size(), std::span(&s.coin, 1));
    const unsigned coins = static_cast<unsigned>(s.coin) & 3U;
    const bool cross = (fired & kDiagonal) != 0 && (fired & ~kDiagonal) != 0;
    ++(cross ? counts_.cross_basis_multi : counts_.same_basis_multi);
    code = cross ? coins : (code & 1U) | (coins & 2U);
  }
  times_.push_back(s.open.time);
  s.staged[staged_++] = static_cast<std::uint8_t>(code);
  if (staged_ == kStage) flush(s);
}

void ClickStream::flush(Scratch& s) {
  for (unsigned which = 0; which < 2; ++which) {
    std::fill(std::begin(s.packed), std::end(s.packed), 0);
    for (std::size_t k = 0; k < staged_; ++k)
      s.packed[k / 64] |= ((std::uint64_t{s.staged[k]} >> which) & 1U) << (k % 64);
    (which == 0 ? bases_ : bits_).append(std::span<const std::uint64_t>(s.packed), staged_);
  }
  staged_ = 0;
}

/// Lengthened by the time that a tag lost in it would have blinded.
void ClickStream::note_loss(std::int64_t begin, std::int64_t end) {
  losses_.push_back({begin - largest_delay_ - origin_, end - least_delay_ + blind_ - origin_});
}

void ClickStream::drop_from(Picoseconds after_begin) {
  losses_.push_back({after_begin.count, options_.duration.count});
}

/// Sorted and disjoint, inside the block.
std::vector<TimeRange> ClickStream::gaps() const {
  std::vector<TimeRange> all = losses_;
  all.push_back({elapsed().count, options_.duration.count});
  std::sort(all.begin(), all.end(), [](const TimeRange& x, const TimeRange& y) { return x.begin < y.begin; });
  std::vector<TimeRange> out;
  for (TimeRange r : all) {
    r = {std::max<std::int64_t>(r.begin, 0), std::min(r.end, options_.duration.count)};
    if (r.begin >= r.end) continue;
    if (!out.empty() && r.begin <= out.back().end)
      out.back().end = std::max(out.back().end, r.end);
    else
      out.push_back(r);
  }
  return out;
}

MeasuredClicks ClickStream::finish() {
  inside([&](Scratch& s) {
    release(s, std::numeric_limits<std::int64_t>::max());
    settle(s);
    flush(s);
  });
  MeasuredClicks out = std::move(counts_);
  out.origin = origin_;
  out.corrections = options_.corrections;
  out.dropped = gaps();
  secret::PublicBits kept(times_.size());
  for (std::size_t k = 0; k < times_.size(); ++k) {
    const bool keep = !inside_any(out.dropped, times_[k]);
    kept.set(k, keep);
    if (keep) out.times.push_back(times_[k]);
  }
  out.bases = bases_.finish().extract(kept);
  out.bits = bits_.finish().extract(kept);
  return out;
}

ClosedClicks close(MeasuredClicks&& measured, Picoseconds closed_tick) {
  const TickLength tick{static_cast<std::uint64_t>(closed_tick.count), 1};
  ClosedClicks out;
  out.list.origin = tick.to_ticks({measured.origin});
  const auto since = [&](std::int64_t t) {
    return static_cast<std::uint64_t>(tick.to_ticks({measured.origin + t}) - out.list.origin);
  };
  out.list.times.reserve(measured.times.size());
  for (const std::int64_t t : measured.times) {
    out.clicks.slots.push_back(out.list.times.size());
    out.list.times.push_back(since(t));
  }
  for (const TimeRange& r : measured.dropped) {
    const TickRange gap{since(r.begin + closed_tick.count - 1), since(r.end)};  // no kept click's tick
    if (gap.begin < gap.end) out.list.dropped.push_back(gap);
  }
  out.clicks.bases = std::move(measured.bases);
  out.clicks.bits = std::move(measured.bits);
  return out;
}

}  // namespace nicol::detection::pairs
