// SPDX-License-Identifier: Apache-2.0
#include "drivers/tdc1/run.hpp"

#include <algorithm>

namespace nicol::tdc1 {
namespace {

using namespace std::chrono_literals;

constexpr auto kAskEvery = 50ms, kAnswerWithin = 500ms, kFlushAfter = 250ms, kSilence = 500ms, kAbortWithin = 300ms;
constexpr std::int64_t kTicksPerMs = 500'000;
constexpr std::int64_t kSlack = 250 * kTicksPerMs;  // less than a wrap, more than dummies are apart
constexpr std::size_t kHeldAtMost = 1 << 14;
constexpr int kOverflowsInARow = 3, kTornReplies = 2;

std::int64_t ticks_of(std::chrono::nanoseconds d) { return d.count() / 2; }

}  // namespace

void Run::begin(const Software& software, OverflowWatch watch, SteadyTime now) {
  software_ = software;
  least_delay_ = tags::least_delay(software);
  watch_ = watch;
  overflow_at_stop_ = false;
  torn_replies_ = 0;
  const bool first = !epoch_;
  if (first) epoch_ = now;
  const std::int64_t base = first ? 0 : std::max(queue_.edge() - least_delay_, host_ticks(now));
  decoder_ = StreamDecoder(base);
  queue_.begin(base + least_delay_);
  counts_ = counted_ = {};
  counted_at_ = base;
  begin_run(now);
}

void Run::begin_run(SteadyTime now) {
  phase_ = Phase::streaming;
  heard_ = checked_ = now;
  asking_ = flushed_ = false;
  anchor_.reset();
  overflows_in_a_row_ = 0;
  words_ = 0;
}

std::int64_t Run::host_ticks(SteadyTime now) const { return ticks_of(now - *epoch_); }

void Run::feed(std::span<const std::uint8_t> bytes, SteadyTime now) {
  if (phase_ == Phase::giving_up) {
    if (search_.next(bytes)) search_done_ = true;
    return;
  }
  while (phase_ == Phase::streaming || phase_ == Phase::stopping) {
    const auto item = decoder_.next(bytes);
    if (!item || !take(*item, now)) break;
  }
  if (watch_ == OverflowWatch::at_stop && phase_ == Phase::streaming && words_ >= kUnconfirmedWords)
    queue_.commit(recent_[words_ % kUnconfirmedWords] + least_delay_);
}

/// False when the rest of the bytes means nothing.
bool Run::take(const StreamItem& item, SteadyTime now) {
  if (item.kind == StreamItem::Kind::status) return checkpoint(item.status, now);
  if (item.kind == StreamItem::Kind::corrupt) {
    spoil(item.why);
    return false;
  }
  if (runs_ahead(item.ticks, now)) {
    spoil("the stream runs ahead of the host's clock");
    return false;
  }
  if (!anchor_) anchor_ = Anchor{item.ticks, now, now};
  heard_ = now;
  flushed_ = false;
  word(item);
  return true;
}

void Run::word(const StreamItem& item) {
  recent_[words_++ % kUnconfirmedWords] = item.ticks;
  if (item.kind == StreamItem::Kind::hits) tags_of(item);
}

void Run::tags_of(const StreamItem& item) {
  const bool single = (item.inputs & (item.inputs - 1)) == 0;
  for (std::size_t c = 0; c < kChannels; ++c) {
    if ((item.inputs >> c & 1U) == 0 || !software_.enabled[c]) continue;
    ++counts_[c];
    queue_.push({item.ticks + software_.delay_ticks[c], static_cast<std::uint16_t>(c),
                 single ? std::uint16_t{0} : hal::kTagSimultaneous});
  }
}

/// The word after an anchor was made after the anchor was asked for, whatever the transport did to either; a part in
/// a thousand for clocks that differ.
bool Run::runs_ahead(std::int64_t ticks, SteadyTime now) const {
  if (!anchor_) return false;
  const std::int64_t passed = ticks_of(now - anchor_->asked);
  return ticks - anchor_->ticks > passed + passed / 1000 + kSlack;
}

/// When the device was asked, its last word was at most one dummy old.
bool Run::missed_a_wrap() const {
  if (!anchor_) return false;
  const std::int64_t passed = ticks_of(asked_ - anchor_->answered);
  return decoder_.last_ticks() - anchor_->ticks < passed - passed / 1000 - kSlack;
}

bool Run::checkpoint(std::uint16_t status, SteadyTime now) {
  if (decoder_.any_word() && missed_a_wrap()) {
    spoil("a wrap of the device's clock was missed");
    return false;
  }
  const bool overflow = (status & kFifoOverflow) != 0;
  overflows_in_a_row_ = overflow ? overflows_in_a_row_ + 1 : 0;
  if (overflow) report_overflow(now);
  torn_replies_ = 0;
  asking_ = false;
  checked_ = now;
  if (decoder_.any_word()) {
    if (decoder_.last_ticks() > anchor_->ticks) anchor_ = Anchor{decoder_.last_ticks(), asked_, now};
    queue_.commit(decoder_.last_ticks() + 1 + least_delay_);
  }
  if (phase_ == Phase::stopping && !decoder_.expects_status()) {
    finish();
    return false;
  }
  if (overflows_in_a_row_ < kOverflowsInARow) return true;
  spoil("the overflow bit stays: only a reset clears it", hal::LossCause::restarted);
  return false;
}

/// What was lost is younger than the last clean reply and older than this one. Words that were in the FIFO when it ran
/// over come before those that were lost, so the interval reaches up to now.
void Run::report_overflow(SteadyTime now) {
  if (watch_ == OverflowWatch::at_stop) overflow_at_stop_ = true;
  const std::int64_t since_anchor = anchor_ ? ticks_of(now - anchor_->asked) : 0;
  const std::int64_t until = (anchor_ ? anchor_->ticks : decoder_.last_ticks()) + since_anchor + kSlack;
  queue_.lose({queue_.edge(), std::max(until, decoder_.last_ticks() + 1), 0, false, hal::kAllChannels,
               hal::LossCause::fifo_overflow});
}

/// What is held is not confirmed and never will be.
void Run::spoil(const char* why, hal::LossCause cause) {
  trouble_ = why;
  cause_ = cause;
  const bool stopping = phase_ == Phase::stopping;
  if (asking_ && ++torn_replies_ >= kTornReplies) watch_ = OverflowWatch::at_stop;
  queue_.drop_held();
  phase_ = Phase::giving_up;
  give_up_said_ = search_done_ = false;
  search_ = {};
  if (!stopping) return;
  queue_.lose({queue_.edge(), decoder_.last_ticks() + kSlack, 0, false, hal::kAllChannels, hal::LossCause::corrupt});
  finish();
}

void Run::finish() {
  phase_ = Phase::idle;
  queue_.end(hal::StreamStatus::stopped);
}

Run::Command Run::next_command(SteadyTime now) {
  if (phase_ == Phase::streaming) return command_of_stream(now);
  if (phase_ != Phase::giving_up) return Command::none;
  if (!give_up_said_) {
    give_up_said_ = true;
    gave_up_ = now;
    return Command::give_up;
  }
  if (!search_done_ && now - gave_up_ < kAbortWithin) return Command::none;
  ++restarts_;
  // The device counts from zero again; the host's clock says by how much the stream has to jump.
  const std::int64_t base = std::max(queue_.edge() - least_delay_, host_ticks(now)) + kTicksPerMs;
  queue_.lose({queue_.edge(), base + least_delay_, 0, false, hal::kAllChannels, cause_});
  queue_.commit(base + least_delay_);
  decoder_ = StreamDecoder(base);
  begin_run(now);
  return Command::start;
}

Run::Command Run::command_of_stream(SteadyTime now) {
  if (now - heard_ > kSilence) {
    spoil("no word for 200 ms, not even a dummy");
    return next_command(now);
  }
  if (now - heard_ > kFlushAfter && !flushed_) {
    flushed_ = true;
    return Command::flush;
  }
  if (watch_ == OverflowWatch::at_stop) return Command::none;
  if (asking_) {
    if (now - asked_ < kAnswerWithin) return Command::none;
    watch_ = OverflowWatch::at_stop;  // this firmware does not answer while it streams
    decoder_.forget_status();
    asking_ = false;
    return Command::none;
  }
  if (now - checked_ < kAskEvery && queue_.held() < kHeldAtMost) return Command::none;
  asking_ = true;
  asked_ = now;
  decoder_.expect_status();
  return Command::ask_status;
}

void Run::stopping(SteadyTime now) {
  if (phase_ == Phase::giving_up) return finish();
  phase_ = Phase::stopping;
  if (!asking_) asked_ = now;
  decoder_.expect_status();
}

void Run::stop_unanswered() {
  if (phase_ == Phase::idle) return;
  queue_.drop_held();
  queue_.lose({queue_.edge(), decoder_.last_ticks() + 1, 0, false, hal::kAllChannels, hal::LossCause::corrupt});
  finish();
}

void Run::unplugged() {
  phase_ = Phase::idle;
  queue_.drop_held();
  queue_.end(hal::StreamStatus::disconnected);
}

std::array<double, kChannels> Run::rates() {
  std::array<double, kChannels> rates{};
  const std::int64_t now = decoder_.last_ticks();
  if (now <= counted_at_) return rates;
  for (std::size_t c = 0; c < kChannels; ++c)
    rates[c] = static_cast<double>(counts_[c] - counted_[c]) / (static_cast<double>(now - counted_at_) * 2e-9);
  counted_ = counts_;
  counted_at_ = now;
  return rates;
}

}  // namespace nicol::tdc1
