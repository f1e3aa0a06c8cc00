// SPDX-License-Identifier: Apache-2.0
// Searching, tracking, giving up. Every decision hangs on tags, never on where the stream was cut.
#include "controller/detection/clock/recovered_clock.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace nicol::detection {
namespace {

constexpr std::size_t kFirstAttempt = 256, kAttemptStep = 128, kNearStep = 64;
constexpr std::size_t kBatch = 256, kLargestBatch = 4096;
constexpr double kStrongBatch = 25, kUsableBatch = 12;  // Rayleigh evidence: 1e-11, 6e-6
constexpr double kLongestBatch = 1;                     // seconds
constexpr double kKnownReach = 5e-6, kKnownFor = 60;    // the frequency some seconds after it was last known
constexpr double kOutlier = 6;

std::int64_t never() { return std::numeric_limits<std::int64_t>::min() / 4; }

/// As many tags later, but not before a full queue has been looked at.
std::size_t next_attempt(std::size_t count, std::size_t step) noexcept {
  return count < ClockScratch::kClicks ? std::min(count + step, ClockScratch::kClicks) : count + step;
}

}  // namespace

RecoveredClock::RecoveredClock(const StreamTiming& unit, const ChannelTable& channels, PublicPattern pattern,
                               RecoveryOptions options)
    : nominal_(unit.period),
      gate_(unit.gate),
      slots_(static_cast<std::int64_t>(pattern.layout().slots)),
      options_(options),
      pattern_(std::move(pattern)),
      line_(unit.period, 1e-12 / static_cast<double>(unit.den), options.noise),
      attempt_at_(kFirstAttempt),
      search_from_(never()) {
  local_.reserve(ClockScratch::kClicks);
  for (const hal::ChannelLayout& c : channels.counted())
    value_.push_back(static_cast<std::int8_t>(c.basis != index(pattern_.layout().basis) ? 0 : c.bit == 1 ? 1 : -1));
}

std::size_t RecoveredClock::observe(const TagQueue& queue, std::size_t seen) {
  if (state_ == State::searching) return search(queue);
  if (state_ == State::ended) return queue.times.size();
  const std::size_t now_seen = track(queue, seen);
  if (state_ == State::searching) attempt_at_ = now_seen + kFirstAttempt, near_attempt_at_ = now_seen + kNearStep;
  return now_seen;
}

std::size_t RecoveredClock::search(const TagQueue& queue) {
  const std::size_t wide = std::max(attempt_at_, kFirstAttempt);
  const std::size_t count = known_ ? std::min(wide, std::max(near_attempt_at_, kNearStep)) : wide;
  const std::int64_t too_late = known_ ? known_->time_of(slots_) + in_units(1e-3) : 0;
  const bool enough = queue.times.size() >= count;
  if (known_ && (enough ? queue.times[count - 1] : queue.limit) >= too_late) {
    line_ = *known_;
    end();
    return queue.times.size();
  }
  if (!enough) return queue.times.size();
  if ((known_ && lock_near(queue, count)) || count < wide) return count;
  // Longer, and an unknown drift would bend the line by more than an eighth of a turn; a known one is unbent.
  const double unknown = known_ ? options_.noise.drift / 8 : options_.noise.drift;
  const double longest = std::min(std::sqrt(static_cast<double>(nominal_) * line_.unit() / unknown),
                                  PeriodSearch::longest({nominal_, 0, options_.reach, 0}) * line_.unit());
  const std::size_t first = first_within(queue, count, longest);
  attempt_at_ = next_attempt(count, std::max((count - first) / 8, kAttemptStep));
  if (count - first >= kFirstAttempt) lock(queue, first, count - first);
  return count;
}

/// The first of `count` tags that is searched: after the loss, and no longer ago than this.
std::size_t RecoveredClock::first_within(const TagQueue& queue, std::size_t count, double seconds) const {
  const std::int64_t from = std::max(search_from_, queue.times[count - 1] - in_units(seconds));
  const auto end = queue.times.begin() + static_cast<std::ptrdiff_t>(count);
  return static_cast<std::size_t>(std::lower_bound(queue.times.begin(), end, from) - queue.times.begin());
}

/// Near the coasting line, as long back as its frequency is known well enough for the angles to agree.
bool RecoveredClock::lock_near(const TagQueue& queue, std::size_t count) {
  TrackedLine now = *known_;
  const std::int64_t ahead = std::llround(now.slots_to(queue.times[count - 1]));
  now.advance(now.slot() + std::max<std::int64_t>(ahead, 1));
  const double coherent = line_.period() * line_.unit() / 4 / now.filter().frequency_sigma();
  const std::size_t first = first_within(queue, count, coherent), n = count - first;
  near_attempt_at_ = next_attempt(count, std::max(n / 32, kNearStep));
  local_.resize(n);
  const auto found =
      find_near(pattern_, *known_, {queue.times.subspan(first, n), queue.who.subspan(first, n), value_, gate_},
                {local_, queue.scratch->values});
  const std::int64_t newest = queue.times[count - 1];
  if (!found || found->line.slot() + std::llround(found->line.slots_to(newest)) < min_slot_) return false;
  line_ = found->line;
  recent_ = found->arrivals;
  number_from(newest, check_.contrast());
  report_.log10_false_lock = found->log_false / std::log(10.0);
  ++report_.locks;
  return true;
}

bool RecoveredClock::lock(const TagQueue& queue, std::size_t first, std::size_t count) {
  const std::size_t dark = darkness_before(queue.times.subspan(first, count));
  first += dark;
  count -= dark;
  const auto times = queue.times.subspan(first, count);
  const auto train = period_(times, band_at(times.back()));
  if (!train) return false;
  const std::size_t dim = first_light(times, *train);
  const auto found = find_slots(queue, first + dim, count - dim, *train);
  if (!found) return false;
  const auto end = train_of_light(times.subspan(dim), *train);
  begin_tracking(end ? *end : *train, *found, times.back());
  report_.log10_false_lock = std::max(found->log_false, train->log_false) / std::log(10.0);
  if (report_.locks++ == 0) {
    report_.lock_clicks = count;
    report_.lock_seconds = static_cast<double>(times.back() - times.front()) * line_.unit();
  }
  return true;
}

PeriodBand RecoveredClock::band_at(std::int64_t now) const noexcept {
  if (known_ && now - known_->time() < in_units(kKnownFor))
    return band_around(known_->filter().frequency(), known_->filter().drift());
  return options_.known ? band_around(options_.known->frequency, options_.known->drift)
                        : PeriodBand{nominal_, 0, options_.reach, 0};
}

/// Where half of the clicks came in the last eighth of the window, light has just begun: what came before it is left
/// out. A few dark counts so far off would have a longer lever on the frequency than the light has.
std::size_t RecoveredClock::darkness_before(std::span<const std::int64_t> times) noexcept {
  const std::int64_t half = times.back() - times[times.size() / 2];
  if (8 * half >= times.back() - times.front()) return 0;
  return static_cast<std::size_t>(std::lower_bound(times.begin(), times.end(), times.back() - 2 * half) -
                                  times.begin());
}

PeriodBand RecoveredClock::band_around(double frequency, double drift) const noexcept {
  return {nominal_, frequency, kKnownReach, drift * line_.unit() / 2};
}

/// Where light begins in a window that was dark at first: from there on the angles lean to their mean. The change of a
/// mean from 0 to r is most likely where the sum of what follows, less r / 2 each, is largest (Page 1954).
std::size_t RecoveredClock::first_light(std::span<const std::int64_t> times, const PulseTrain& train) const {
  const double half = std::max(lean(times.last(times.size() / 8), train), train.arrivals.coherence()) / 2;
  double sum = 0, best = 0;
  std::size_t from = 0;
  for (std::size_t i = times.size(); i-- > 0;) {
    sum += lean(times.subspan(i, 1), train) - half;
    if (sum > best) best = sum, from = i;
  }
  return from;
}

/// Mean cosine of the angles against the train.
double RecoveredClock::lean(std::span<const std::int64_t> times, const PulseTrain& train) const {
  double sum = 0;
  for (const std::int64_t t : times) sum += std::cos(2 * std::numbers::pi * train.slots_to(t));
  return sum / static_cast<double>(times.size());
}

std::optional<SlotLock> RecoveredClock::find_slots(const TagQueue& queue, std::size_t first, std::size_t count,
                                                   const PulseTrain& train) {
  local_.clear();
  for (std::size_t i = first; i < first + count; ++i) {
    const std::int8_t value = value_[queue.who[i]];
    const double slot = train.slots_to(queue.times[i]), nearest = std::nearbyint(slot);
    if (value == 0 || std::abs(slot - nearest) * train.period > static_cast<double>(gate_) / 2) continue;
    queue.scratch->values[local_.size()] = value;
    local_.push_back(static_cast<std::int64_t>(nearest));
  }
  const LocalClicks clicks{local_, std::span(queue.scratch->values).first(local_.size())};
  const SearchRows rows{queue.scratch->correlation, queue.scratch->second};
  const auto dense = find_in_preamble(pattern_, clicks, rows);
  if (dense && local_.back() + dense->shift >= min_slot_) return dense;
  if (!known_ || local_.empty()) return {};
  const auto comb = find_in_comb(pattern_, clicks, known_->slot() + std::llround(known_->slots_to(train.epoch)), rows);
  return comb && local_.back() + comb->shift >= min_slot_ ? comb : std::nullopt;
}

/// A long window tells the slot, but its line says little of the phase at its end: that comes from its last part. Nor
/// may what came before the light have a say: a dark count far off has a longer lever on the frequency than the light
/// has, and the line turns to where such clicks happen to agree. Slot 0 is the same in both.
std::optional<PulseTrain> RecoveredClock::train_of_light(std::span<const std::int64_t> light, const PulseTrain& whole) {
  const double unbent = std::sqrt(static_cast<double>(nominal_) * line_.unit() / options_.noise.drift);
  const std::int64_t from = light.back() - in_units(unbent / 2);
  const bool is_long = light.front() + in_units(unbent) <= from;
  if (!is_long && light.size() == whole.arrivals.count) return {};
  const auto part =
      is_long
          ? light.subspan(static_cast<std::size_t>(std::lower_bound(light.begin(), light.end(), from) - light.begin()))
          : light;
  auto train = period_(part, {nominal_, whole.offset, kKnownReach, whole.bend});
  if (!train) return {};
  train->first = std::llround(whole.slots_to(train->epoch) + train->phase / whole.period);
  return train;
}

void RecoveredClock::begin_tracking(const PulseTrain& train, const SlotLock& found, std::int64_t last_time) {
  const std::int64_t shift = found.shift + train.first;
  line_.start({shift, train.epoch}, train.phase, train.phase_sigma * line_.unit(), train.offset, train.offset_sigma,
              2 * train.bend / line_.unit());
  const double zero = static_cast<double>(train.epoch) + train.phase - static_cast<double>(shift) * line_.period();
  const double lever = static_cast<double>(shift) * line_.period() * train.offset_sigma;
  if (report_.locks == 0)
    report_.slot_zero = {zero * line_.unit(), std::hypot(train.phase_sigma, lever) * line_.unit()};
  recent_ = train.arrivals;
  number_from(last_time, found.contrast);
}

/// The clicks that the lock was found in cannot also check it: slots count from its last one on.
void RecoveredClock::number_from(std::int64_t last_time, double contrast) {
  const std::int64_t end = line_.slot() + std::llround(line_.slots_to(last_time));
  anchors_.clear();
  line_.advance(end - 1);
  anchors_.push(line_.anchor());
  line_.advance(end);
  anchors_.push(line_.anchor());
  state_ = State::tracking;
  batch_ = {};
  batch_slots_ = 0;
  batch_from_ = last_time;
  end_time_ = line_.time_of(slots_) - nominal_ / 2;
  check_ = PublicCheck(contrast);
  passed_to_ = -1;
  pending_from_ = std::max(end + 1, doubtful_to_);
}

std::size_t RecoveredClock::track(const TagQueue& queue, std::size_t seen) {
  const std::int64_t longest = in_units(kLongestBatch);
  for (std::size_t i = seen; i < queue.times.size(); ++i) {
    const std::int64_t t = queue.times[i];
    if (t >= end_time_) break;
    if (t - batch_from_ > longest) {
      close_batch(queue, t);
      return i;
    }
    take(t);
    if (batch_.count >= kLargestBatch || (batch_.count >= kBatch && strong())) {
      close_batch(queue, t);
      return i + 1;
    }
  }
  if (queue.limit >= end_time_) {
    if (batch_.evidence() >= kUsableBatch) close_batch(queue, end_time_);
    if (state_ == State::tracking) end();
  }
  return queue.times.size();
}

void RecoveredClock::take(std::int64_t t) noexcept {
  const double slots = line_.slots_to(t), nearest = std::nearbyint(slots);
  batch_.add(slots - nearest);
  batch_slots_ += nearest;
}

bool RecoveredClock::strong() const noexcept { return batch_.evidence() >= kStrongBatch; }

/// The mean phase of its light corrects the line at the middle of the batch. Without light nothing is numbered: slots
/// may not be coming at all.
void RecoveredClock::close_batch(const TagQueue& queue, std::int64_t now) {
  if (batch_.evidence() < kUsableBatch) return lose(Loss::dark, now);
  const std::int64_t middle = line_.slot() + std::llround(batch_slots_ / static_cast<double>(batch_.count));
  line_.advance(std::max(middle, anchors_.newest().slot + 1));
  if (!measure()) return lose(Loss::phase, now);
  batch_ = {};
  batch_slots_ = 0;
  batch_from_ = now;
  end_time_ = line_.time_of(slots_) - nominal_ / 2;
  push_anchor(queue);
}

/// False where the phase has jumped, or may have by a whole slot without showing.
bool RecoveredClock::measure() {
  const double period = line_.period() * line_.unit();
  const double error = batch_.mean_turns() * period, sigma = std::sqrt(batch_.mean_variance_turns()) * period;
  const double expected = line_.filter().expected(sigma);
  report_.phase.value = error;
  if (expected > period / 8 || (std::abs(error) > kOutlier * expected && std::abs(error) > period / 16)) return false;
  line_.correct(error, sigma);
  constexpr double kKeep = 0.98;
  recent_ = {recent_.first * kKeep + batch_.first, recent_.second * kKeep + batch_.second,
             static_cast<std::size_t>(static_cast<double>(recent_.count) * kKeep) + batch_.count};
  return true;
}

void RecoveredClock::push_anchor(const TagQueue& queue) {
  const Anchors::Anchor before = anchors_.newest(), now = line_.anchor();
  anchors_.push(now);
  if (passed_to_ >= 0) known_ = line_;
  check(queue, Anchors::between(before, now));
}

/// The tags of a stretch that just closed.
void RecoveredClock::check(const TagQueue& queue, const Stretch& stretch) {
  const Locator<Wide> at(stretch, gate_);
  const auto& times = queue.times;
  auto it = std::lower_bound(times.begin(), times.end(), stretch.begin);
  for (; it != times.end() && *it < stretch.begin + stretch.length; ++it) {
    const std::int8_t value = value_[queue.who[static_cast<std::size_t>(it - times.begin())]];
    if (value == 0) continue;
    const auto place = at(*it);
    if (!at.in_gate(place.twice) || place.slot < 0 || place.slot >= slots_) continue;
    const auto sent = pattern_.bit(static_cast<std::uint64_t>(place.slot));
    if (!sent) continue;
    const auto verdict = check_.take(*sent == (value > 0));
    if (verdict == PublicCheck::Verdict::failed) return lose(Loss::slip, stretch.begin + stretch.length);
    if (verdict == PublicCheck::Verdict::passed) pass(place.slot);
  }
}

/// A slip late in a window need not fail it, but fails the next one: so a window vouches for the one before it.
void RecoveredClock::pass(std::int64_t slot) noexcept {
  ++report_.windows;
  if (passed_to_ >= 0) {
    if (pending_from_ > confirmed_to_)
      unconfirmed_ = SlotRange{static_cast<std::uint64_t>(confirmed_to_), static_cast<std::uint64_t>(pending_from_)};
    confirmed_to_ = pending_from_ = std::max(passed_to_, confirmed_to_);
  }
  passed_to_ = slot + 1;
  check_.next();
}

void RecoveredClock::lose(Loss why, std::int64_t now) noexcept {
  ++(why == Loss::slip ? report_.slips : why == Loss::phase ? report_.phase_losses : report_.fades);
  state_ = State::searching;
  doubtful_to_ = std::max(doubtful_to_, anchors_.newest().slot + 1);
  anchors_.clear();
  search_from_ = now;
  passed_to_ = -1;
}

void RecoveredClock::end() noexcept {
  state_ = State::ended;
  if (anchors_.empty()) anchors_.push(line_.anchor());
}

std::uint64_t RecoveredClock::give_up(std::int64_t limit) noexcept {
  if (state_ != State::searching || !known_) return 0;
  const double coasted = known_->slots_to(limit);
  const auto reach = kCombReach / 2 * static_cast<std::int64_t>(pattern_.layout().spacing);
  const std::int64_t below = known_->slot() + std::llround(coasted * (1 - kKnownReach)) - reach;
  min_slot_ = std::max(min_slot_, std::min(below, slots_));
  return static_cast<std::uint64_t>(min_slot_);
}

void RecoveredClock::resume(std::uint64_t first_slot) {
  pattern_.resume_at(first_slot);
  state_ = State::searching;
  known_.reset();
  anchors_.clear();
  search_from_ = never();
  attempt_at_ = kFirstAttempt;
  min_slot_ = static_cast<std::int64_t>(first_slot);
  passed_to_ = -1;
}

std::optional<SlotRange> RecoveredClock::take_unconfirmed() noexcept {
  const auto range = unconfirmed_;
  unconfirmed_.reset();
  return range;
}

ClockReport RecoveredClock::report() const {
  ClockReport r = report_;
  r.tracking = state_ == State::tracking;
  if (r.locks == 0) return r;
  const PhaseFilter& f = line_.filter();
  r.frequency = {f.frequency(), f.frequency_sigma()};
  r.drift = {f.drift(), f.drift_sigma()};
  r.phase.sigma = f.phase_sigma();
  r.contrast = {check_.contrast(), check_.contrast_sigma()};
  const ArrivalShape shape = shape_of(recent_);
  const double period = line_.period() * line_.unit();
  r.background = shape.background;
  r.jitter = shape.jitter_turns * period;
  r.jitter_sigma = shape.jitter_sigma * period;
  return r;
}

}  // namespace nicol::detection
