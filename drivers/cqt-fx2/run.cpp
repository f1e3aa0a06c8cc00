// SPDX-License-Identifier: Apache-2.0
#include "drivers/cqt-fx2/run.hpp"

#include <algorithm>
#include <utility>

namespace nicol::cqt_fx2 {
namespace {

constexpr std::int64_t kTicksPerMs = 8'000'000;
/// From an event to the host, autoflush included, and the host's own delays.
constexpr std::int64_t kSlack = 250 * kTicksPerMs;
constexpr std::int64_t kClocksDiffer = 1000;  // one part in so many, at most
constexpr double kDrainedPerTick = 2.2e6 * 125e-12;
constexpr double kSuspectLevel = 2048;  // of the smallest FIFO that was built in: 4096, watermark 3072
constexpr std::uint64_t kSpuriousInARow = 3;

std::int64_t ticks_of(std::chrono::nanoseconds d) { return d.count() * 8; }

/// Of two 49-bit times, the way from one to the other, backwards if that is shorter.
std::int64_t step(std::uint64_t from, std::uint64_t to) {
  const std::uint64_t forward = (to - from) & kTimeMask;
  constexpr std::uint64_t kHalf = (kTimeMask >> 1) + 1;
  return forward < kHalf ? static_cast<std::int64_t>(forward)
                         : static_cast<std::int64_t>(forward) - static_cast<std::int64_t>(kTimeMask) - 1;
}

}  // namespace

bool FifoModel::put(std::int64_t ticks) {
  level_ = std::max(0.0, level_ - static_cast<double>(ticks - at_) * kDrainedPerTick) + 1;
  at_ = ticks;
  return level_ > kSuspectLevel;
}

void Run::begin(const Software& software, const PhaseTable& phases, SteadyTime now) {
  software_ = software;
  least_delay_ = tags::least_delay(software);
  decoder_ = EventDecoder(phases);
  const bool first = !epoch_;
  if (first) epoch_ = now;
  const std::int64_t base = first ? 0 : std::max(queue_.edge() - least_delay_, host_ticks(now));
  queue_.begin(base + least_delay_);
  counts_ = {};
  counted_at_ = now;
  begin_counter(base, now);
}

void Run::begin_counter(std::int64_t base, SteadyTime now) {
  phase_ = Phase::streaming;
  base_ = last_ = base;
  began_ = heard_ = now;
  bad_ = 0;
  may_have_been_full_ = false;
  fifo_.reset();
  decoder_.forget();
}

std::int64_t Run::host_ticks(SteadyTime now) const { return ticks_of(now - *epoch_); }

/// The counter was zero after `began_` and has not run faster than the host's clock since.
std::int64_t Run::latest(SteadyTime now) const {
  const std::int64_t passed = ticks_of(now - began_);
  return base_ + passed + passed / kClocksDiffer + kSlack;
}

/// An event before this would have been heard of by the time the card was asked.
std::int64_t Run::surely_past(SteadyTime asked) const {
  const std::int64_t passed = ticks_of(asked - heard_);
  return last_ + passed - passed / kClocksDiffer - kSlack;
}

void Run::feed(std::span<const std::uint8_t> bytes, SteadyTime now) {
  while (phase_ == Phase::streaming) {
    const auto event = decoder_.next(bytes);
    if (!event) return;
    take(*event, now);
  }
}

bool Run::plausible(const Event& event, std::int64_t ticks, SteadyTime now) const {
  return event.inputs != 0 && ticks >= last_ && ticks <= latest(now) && ticks + least_delay_ >= queue_.edge();
}

void Run::take(const Event& event, SteadyTime now) {
  const std::int64_t ticks = last_ + step(static_cast<std::uint64_t>(last_ - base_), event.time);
  if (!plausible(event, ticks, now)) return spurious_word();
  if (bad_ > 0)
    queue_.lose({last_ + least_delay_, ticks + 1 + least_delay_, std::exchange(bad_, 0), false, hal::kAllChannels,
                 hal::LossCause::corrupt});
  last_ = ticks;
  heard_ = now;
  may_have_been_full_ = fifo_.put(ticks) || may_have_been_full_;
  if (!event.phase_known) ++unknown_phases_;
  tags_of(event, ticks);
}

/// Now and then the card gives a word of an impossible time; several in a row mean that bytes are missing.
void Run::spurious_word() {
  ++spurious_;
  if (++bad_ >= kSpuriousInARow) spoil("words of impossible times in a row: bytes of the stream are missing");
}

void Run::tags_of(const Event& event, std::int64_t ticks) {
  const bool single = (event.inputs & (event.inputs - 1)) == 0;
  for (std::size_t c = 0; c < kInputs; ++c) {
    if ((event.inputs >> c & 1U) == 0 || !software_.enabled[c]) continue;
    ++counts_[c];
    queue_.push({ticks + software_.delay_ticks[c], static_cast<std::uint16_t>(c),
                 single ? std::uint16_t{0} : hal::kTagSimultaneous});
  }
}

void Run::checkpoint(bool fifo_full, SteadyTime asked, SteadyTime now) {
  if (phase_ != Phase::streaming) return;
  const bool lost = std::exchange(may_have_been_full_, false) || fifo_full;
  if (lost)
    queue_.lose(
        {queue_.edge(), latest(now) + least_delay_, 0, false, hal::kAllChannels, hal::LossCause::fifo_overflow});
  std::int64_t complete = last_ + 1;
  if (bad_ == 0) complete = std::max(complete, surely_past(asked));
  queue_.commit(complete + least_delay_);
}

void Run::spoil(const char* why) {
  if (phase_ != Phase::streaming) return;
  trouble_ = why;
  queue_.drop_held();
  phase_ = Phase::spoiled;
}

void Run::restart(SteadyTime now) {
  ++restarts_;
  // The card counts from zero again; the host's clock says by how much the stream has to jump.
  const std::int64_t base = std::max(queue_.edge() - least_delay_, host_ticks(now)) + kTicksPerMs;
  queue_.lose({queue_.edge(), base + least_delay_, 0, false, hal::kAllChannels, hal::LossCause::restarted});
  queue_.commit(base + least_delay_);
  begin_counter(base, now);
}

void Run::finish() {
  if (phase_ == Phase::idle) return;
  queue_.drop_held();  // beyond what was confirmed nothing is promised
  if (phase_ == Phase::spoiled)
    queue_.lose({queue_.edge(), last_ + 1 + least_delay_, 0, false, hal::kAllChannels, hal::LossCause::corrupt});
  phase_ = Phase::idle;
  queue_.end(hal::StreamStatus::stopped);
}

void Run::unplugged() {
  phase_ = Phase::idle;
  queue_.drop_held();
  queue_.end(hal::StreamStatus::disconnected);
}

std::array<double, kInputs> Run::rates(SteadyTime now) {
  const double seconds = std::chrono::duration<double>(now - std::exchange(counted_at_, now)).count();
  std::array<double, kInputs> rates{};
  for (std::size_t c = 0; c < kInputs; ++c)
    rates[c] = seconds > 0 ? static_cast<double>(std::exchange(counts_[c], 0)) / seconds : 0;
  return rates;
}

}  // namespace nicol::cqt_fx2
