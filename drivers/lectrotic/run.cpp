// SPDX-License-Identifier: Apache-2.0
#include "drivers/lectrotic/run.hpp"

#include <algorithm>

namespace nicol::lectrotic {
namespace {

using namespace std::chrono_literals;

// The device looks after its inputs every 100 ms, one after another, and tells of one lossy input each time that
// nothing else waits: after 600 ms of silence it has told of all four.
constexpr auto kQuietFor = 600ms, kAskEvery = 200ms, kAnswerWithin = 1000ms, kClearedWithin = 1000ms;
constexpr std::int64_t kTicksPerMs = kTicksPerSecond / 1000;
constexpr std::int64_t kAhead = 250 * kTicksPerMs;          // how much older than this the anchor may have been
constexpr std::int64_t kLate = 300 * kTicksPerMs;           // older records have stood in a long queue
constexpr std::int64_t kOtherClock = 10 * kTicksPerSecond;  // further from the host's clock than any drift
constexpr std::int64_t kBuffer = 16'000;                    // records that the device's buffer is sure to hold
constexpr std::int64_t kCrowdBuckets = 5;                   // 0.5 s: kLate, one round of the inputs, and a rest

std::int64_t ticks_of(std::chrono::nanoseconds d) { return d.count() / 4; }

}  // namespace

std::int64_t Run::host_ticks(SteadyTime now) const { return epoch_ ? ticks_of(now - *epoch_) : 0; }

/// What the device's clock shows at least; a part in a thousand for clocks that differ.
std::int64_t Run::least_device_ticks(SteadyTime at) const {
  const std::int64_t passed = ticks_of(at - anchor_->heard);
  return anchor_->ticks + passed - std::abs(passed) / 1000;
}

void Run::begin(const Software& software, SteadyTime now) {
  software_ = software;
  least_delay_ = tags::least_delay(software);
  queue_.begin(queue_.edge());
  stopping_ = told_too_late_ = false;
  answers_ = true;
  counts_ = counted_ = {};
  seek(now, hal::LossCause::restarted);
  clear_due_ = false;  // the start command clears
}

void Run::seek(SteadyTime now, hal::LossCause cause) {
  phase_ = Phase::seeking;
  cause_ = cause;
  search_ = {};
  decoder_ = {};
  anchor_.reset();
  asking_ = false;
  clear_due_ = true;
  heard_ = asked_ = now;
}

void Run::feed(std::span<const std::uint8_t> bytes, SteadyTime now) {
  while (phase_ != Phase::idle && !bytes.empty()) {
    if (phase_ == Phase::seeking) {
      if (!search_.next(bytes)) return;
      phase_ = Phase::streaming;
      heard_ = now;
    }
    const auto item = decoder_.next(bytes);
    if (!item || !take(*item, now)) break;
  }
  if (phase_ == Phase::streaming && anchor_) complete_until(newest_ - kSettle);
}

/// False when the rest of the bytes means nothing.
bool Run::take(const StreamItem& item, SteadyTime now) {
  using Kind = StreamItem::Kind;
  switch (item.kind) {
    case Kind::tag:
      return tag(item, now);
    case Kind::lost:
      heard_ = now;
      lost(item, now);
      return true;
    case Kind::cleared:
      if (anchor_ && !stopping_) lose_held(hal::LossCause::transport, "the output was cleared, but not by this driver");
      return true;
    case Kind::identity:
      answered();
      return phase_ != Phase::idle;
    case Kind::oscillator_failed:
      halt();
      return false;
    case Kind::corrupt:
      break;
  }
  spoil(item.why, now);
  return false;
}

bool Run::tag(const StreamItem& item, SteadyTime now) {
  if (!anchor_) first_record(item.ticks, now);
  const std::int64_t ticks = item.ticks + offset_;
  if (const char* why = nonsense(item.channel, ticks, now)) {
    spoil(why, now);
    return false;
  }
  // Before this record the device had time to tell of every loss.
  if (now - heard_ >= kQuietFor) cleared_until_ = std::max(cleared_until_, ticks - kSettle);
  heard_ = now;
  last_[item.channel] = ticks;
  newest_ = std::max(newest_, ticks);
  if (ticks > least_device_ticks(now)) anchor_ = Anchor{ticks, now};
  if (ticks < began_) return true;
  count(ticks, now);
  if (!software_.enabled[item.channel]) return true;
  ++counts_[item.channel];
  if (ticks >= distrusted_until_) queue_.push({ticks + software_.delay_ticks[item.channel], item.channel, 0});
  return true;
}

/// Nothing is known of the time before it. Where the device's clock has begun anew, the host's says how far to jump.
void Run::first_record(std::int64_t device_ticks, SteadyTime now) {
  if (!epoch_) epoch_ = now;
  const std::int64_t floor = queue_.edge() - least_delay_, host = host_ticks(now), there = device_ticks + offset_;
  if (new_clock_ || there < floor || there > host + host / 1000 + kOtherClock)
    offset_ = std::max(floor, host) - device_ticks;
  new_clock_ = false;
  began_ = newest_ = device_ticks + offset_;
  anchor_ = Anchor{began_, now};
  last_.fill(began_ - kSettle);
  buckets_.fill({});
  distrusted_until_ = 0;
  cleared_until_ = counted_at_ = began_;
  counted_ = counts_;
  if (began_ + least_delay_ > queue_.edge())
    queue_.lose({queue_.edge(), began_ + least_delay_, 0, false, hal::kAllChannels, cause_});
  complete_until(began_);
}

/// nullptr for a record that can be true. Each input's records are in order; inputs wait for each other by less than
/// kSettle; and none comes from the future.
const char* Run::nonsense(std::uint8_t channel, std::int64_t ticks, SteadyTime now) const {
  if (ticks < last_[channel]) return "the time of an input went back";
  if (ticks >= began_ && ticks + least_delay_ < queue_.edge()) return "a record older than what was complete";
  const std::int64_t passed = ticks_of(now - anchor_->heard);
  if (ticks - anchor_->ticks > passed + passed / 1000 + kAhead) return "the stream runs ahead of the host's clock";
  return nullptr;
}

/// The records that arrive tell whether the buffer can have been full when one of them went in: see the README.
void Run::count(std::int64_t ticks, SteadyTime now) {
  const std::int64_t index = ticks / kBucketTicks;
  Bucket& bucket = buckets_[static_cast<std::size_t>(index) % kBuckets];
  if (bucket.index != index) bucket = {index, 0};
  ++bucket.tags;
  if (bucket.tags % 64 == 0 && crowded(index)) {
    queue_.drop_held();
    distrusted_until_ = std::max(distrusted_until_, (index + kCrowdBuckets) * kBucketTicks);
    lose_held(hal::LossCause::rate_limit, "so many tags at once that the device's buffer may have run over");
  }
  if (least_device_ticks(now) - ticks > kLate)
    lose_held(hal::LossCause::transport, "records came so late that the device's buffer may have run over");
}

bool Run::crowded(std::int64_t index) const {
  for (std::int64_t last = index; last < index + kCrowdBuckets; ++last) {
    std::int64_t sum = 0;
    for (const Bucket& bucket : buckets_)
      if (bucket.index > last - kCrowdBuckets && bucket.index <= last) sum += bucket.tags;
    if (sum >= kBuffer) return true;
  }
  return false;
}

/// Of what is not yet given, any tag may be missing; of what is distrusted, every tag is.
void Run::lose_held(hal::LossCause cause, const char* why) {
  trouble_ = why;
  const std::int64_t until = std::max(newest_ + 1, distrusted_until_);
  queue_.lose({queue_.edge(), until + least_delay_, 0, false, hal::kAllChannels, cause});
}

/// It says neither when nor, for pulses that were too close, how many for certain: only that it was before now.
void Run::lost(const StreamItem& item, SteadyTime now) {
  if (!anchor_) return;
  constexpr std::uint16_t kOrMore = 0xffff;
  const bool overflow = item.overflowed > 0;
  if (overflow && queue_.edge() > cleared_until_ + least_delay_) told_too_late_ = true;
  trouble_ = overflow ? "the device's buffer ran over" : "pulses came too close for the device";
  const std::int64_t until = std::max(newest_ + 1, least_device_ticks(now)) + kAhead;
  const std::uint64_t number = std::uint64_t{item.overflowed} + item.too_close;
  queue_.lose({queue_.edge(), until + least_delay_, number, item.too_close == 0 && item.overflowed < kOrMore,
               std::uint32_t{1} << item.channel,
               overflow ? hal::LossCause::fifo_overflow : hal::LossCause::rate_limit});
}

void Run::answered() {
  if (stopping_) return finish();
  if (!asking_) return;
  asking_ = false;
  if (!anchor_) return;
  complete_until(least_device_ticks(asked_) - kSettle);
  cleared_until_ = queue_.edge() - least_delay_;
}

void Run::complete_until(std::int64_t ticks) { queue_.commit(ticks + least_delay_); }

/// What is held is not confirmed and never will be.
void Run::spoil(const char* why, SteadyTime now) {
  trouble_ = why;
  ++restarts_;
  queue_.drop_held();
  seek(now, hal::LossCause::corrupt);
}

void Run::halt() {
  trouble_ = "the device's 10 MHz reference failed";
  oscillator_failed_ = true;
  queue_.drop_held();
  if (anchor_) lose_held(hal::LossCause::corrupt, trouble_);
  finish();
}

void Run::finish() {
  if (anchor_) complete_until(newest_ - kSettle);
  queue_.drop_held();
  phase_ = Phase::idle;
  queue_.end(hal::StreamStatus::stopped);
}

Run::Command Run::next_command(SteadyTime now) {
  if (stopping_ || phase_ == Phase::idle) return Command::none;
  if (phase_ == Phase::seeking) {
    if (!clear_due_ && now - asked_ < kClearedWithin) return Command::none;
    clear_due_ = false;
    asked_ = now;
    return Command::clear;
  }
  if (asking_ && now - asked_ >= kAnswerWithin) asking_ = answers_ = false;
  if (asking_ || !answers_ || !anchor_ || now - heard_ < kQuietFor || now - asked_ < kAskEvery) return Command::none;
  asking_ = true;
  asked_ = now;
  return Command::ask_identity;
}

void Run::stop_unanswered() {
  if (phase_ != Phase::idle) finish();
}

void Run::unplugged() {
  phase_ = Phase::idle;
  new_clock_ = true;
  oscillator_failed_ = false;
  queue_.drop_held();
  queue_.end(hal::StreamStatus::disconnected);
}

std::array<double, kChannels> Run::rates() {
  std::array<double, kChannels> rates{};
  if (!anchor_ || newest_ <= counted_at_) return rates;
  const double seconds = static_cast<double>(newest_ - counted_at_) / static_cast<double>(kTicksPerSecond);
  for (std::size_t c = 0; c < kChannels; ++c) rates[c] = static_cast<double>(counts_[c] - counted_[c]) / seconds;
  counted_ = counts_;
  counted_at_ = newest_;
  return rates;
}

}  // namespace nicol::lectrotic
