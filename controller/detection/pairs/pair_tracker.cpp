// SPDX-License-Identifier: Apache-2.0
// Feeding, searching, and what a fresh lock needs before the first coincidence may leave.
#include "controller/detection/pairs/pair_tracker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace nicol::detection::pairs {
namespace {

/// ps of data at which everything is searched; about a lost line each new kNear of them.
constexpr std::array<std::int64_t, 4> kRungs{1'200'000'000'000, 2'400'000'000'000, 5'000'000'000'000,
                                             10'500'000'000'000};
constexpr std::int64_t kNear = 300'000'000'000;
constexpr double kHintOffset = 2e6, kHintFrequency = 2e-7, kStartError = 4e3, kStartFrequencyError = 1e-8;
constexpr double kSettlingPairs = 1500, kDelayPairs = 500;
constexpr std::size_t kStartEvents = 1 << 16;

std::int64_t span_of(std::span<const std::int64_t> times) { return times.empty() ? 0 : times.back() - times.front(); }

std::size_t before(std::span<const std::int64_t> times, std::int64_t instant) {
  return static_cast<std::size_t>(std::lower_bound(times.begin(), times.end(), instant) - times.begin());
}

}  // namespace

PairTracker::PairTracker(TickLength alice, TickLength bob, TrackerOptions options)
    : options_(options), alice_(alice), bob_(bob), offset_search_(options.range), hint_(options.hint) {}

Side PairTracker::behind() const {
  const auto a = alice_.times(), b = bob_.times();
  if (a.empty() || b.empty()) return a.empty() ? Side::alice : Side::bob;
  const bool alice_first =
      state_ == State::tracking ? filter_.line().to_bob(a.back()) < b.back() : span_of(a) < span_of(b);
  return alice_first ? Side::alice : Side::bob;
}

Result<void> PairTracker::feed(Side side, std::span<const std::int64_t> ticks, std::span<const Pattern> patterns) {
  EventQueue& queue = side == Side::alice ? alice_ : bob_;
  if (queue.size() > 0 && queue.size() + ticks.size() > 2 * options_.capacity)
    return Error{
        Code::exhausted,
        fmt::format("{} events of {} wait for the other side", queue.size(), side == Side::alice ? "Alice" : "Bob"),
        "",
        0,
        {}};
  queue.append(ticks, patterns);
  if (!first_tag_ && !alice_.times().empty()) first_tag_ = near_from_ = alice_.times().front();
  return {};
}

std::span<const Coincidence> PairTracker::advance() {
  out_.clear();
  while (state_ == State::searching ? search(More::follows) : track(More::follows)) {
  }
  return out_;
}

std::span<const Coincidence> PairTracker::finish() {
  out_.clear();
  while (state_ == State::searching ? search(More::ended) : track(More::ended)) {
  }
  return out_;
}

/// Where a start was given it is believed, once enough has come in to settle on it.
bool PairTracker::begin_at_start(More more) {
  const auto a = alice_.times(), b = bob_.times();
  if (more == More::follows && std::min(a.size(), b.size()) < kStartEvents) return false;
  SearchResult known;
  known.line = options_.start;
  known.offset_error = kStartError, known.frequency_error = kStartFrequencyError;
  known.begin = a.front();
  lock(known, a[std::min(a.size(), kStartEvents) - 1]);
  return true;
}

/// About the line that was lost: in each new stretch of data once.
bool PairTracker::search_near(More more) {
  const auto a = alice_.times(), b = bob_.times();
  const std::int64_t end = near_from_ + kNear, bob_from = hint_->to_bob(near_from_);
  if (more == More::follows && (a.back() <= end || b.back() <= bob_from + kNear)) return false;
  const auto stretch = [](std::span<const std::int64_t> times, std::int64_t from) {
    const std::size_t first = before(times, from);
    return times.subspan(first, before(times, from + kNear) - first);
  };
  const ClockLine guess = hint_->moved_to(near_from_);
  const SearchResult found = offset_search_.near(stretch(a, near_from_), stretch(b, bob_from), guess, kHintOffset,
                                                 kHintFrequency, ++near_attempts_);
  near_from_ = end;
  if (found.line) lock(found, end);
  return found.line || end < a.back();
}

/// True where something changed and it is worth going on.
bool PairTracker::search(More more) {
  const auto a = alice_.times(), b = bob_.times();
  if (a.empty() || b.empty()) return false;
  if (options_.start && report_.locks == 0) return begin_at_start(more);
  if (hint_ && search_near(more)) return true;
  const bool full = std::max(a.size(), b.size()) >= options_.capacity;
  std::int64_t rung = kRungs[rung_];
  const bool whole = std::min(span_of(a), span_of(b)) > rung;
  if (more == More::follows && !full && !whole) return false;
  if (!whole) rung = kRungs.back();
  const auto first_a = a.first(before(a, a.front() + rung)), first_b = b.first(before(b, b.front() + rung));
  const Picoseconds centre{hint_ ? std::llround(hint_->offset_at(a.front())) : 0};
  const SearchResult found = offset_search_(first_a, first_b, ++attempts_, centre);
  if (report_.locks == 0) report_.sigma = std::max(report_.sigma, found.sigma);
  if (found.line) {
    if (report_.locks == 0) report_.sigma = found.sigma;
    const std::int64_t bob_end = b.front() + rung - found.line->to_bob(a.front()) + a.front();
    lock(found, std::min(a.front() + rung, bob_end));
    return true;
  }
  if (whole && rung_ + 1 < kRungs.size()) {
    ++rung_;
    return true;
  }
  return give_up_oldest(more);
}

/// Nothing was found in all of it: the older half will not be looked at again.
bool PairTracker::give_up_oldest(More more) {
  const auto a = alice_.times(), b = bob_.times();
  if (more == More::ended) {
    alice_.drop(a.size());
    bob_.drop(b.size());
    return false;
  }
  alice_.drop(before(a, a.front() + span_of(a) / 2 + 1));
  bob_.drop(before(b, b.front() + span_of(b) / 2 + 1));
  return true;
}

/// Pairs less chance within reach of a line whose error is a cell of the search.
double PairTracker::excess(const ClockLine& line, std::int64_t begin, std::int64_t end) {
  const auto all = alice_.times();
  const auto a = all.subspan(before(all, begin), before(all, end) - before(all, begin));
  mapped_.clear();
  for (const std::int64_t t : a) mapped_.push_back(line.to_bob(t));
  if (mapped_.empty()) return 0;
  const auto b = bob_.times();
  const std::size_t first = before(b, mapped_.front() - reach()), last = before(b, mapped_.back() + reach());
  const auto matches = [&](std::int64_t shift) {
    const Window window{shift - PeakHistogram::kWide, shift + PeakHistogram::kWide};
    return static_cast<double>(merge(mapped_, b.subspan(first, last - first), window, spare_).matches);
  };
  return matches(0) - (matches(-chance_shift(0)) + matches(chance_shift(0))) / 2;
}

/// The search may have looked at darkness too; the lock begins with the first eighth that holds pairs as the others do.
std::int64_t PairTracker::light_begin(const ClockLine& line, std::int64_t begin, std::int64_t until) {
  constexpr std::size_t parts = 8;
  const std::int64_t step = (until - begin) / static_cast<std::int64_t>(parts);
  if (step <= 0) return begin;
  std::array<double, parts> pairs{};
  for (std::size_t k = 0; k < parts; ++k) {
    const std::int64_t from = begin + static_cast<std::int64_t>(k) * step;
    pairs[k] = excess(line, from, from + step);
  }
  const double enough = *std::max_element(pairs.begin(), pairs.end()) / 4;
  if (enough <= 0) return begin;
  const auto lit = std::find_if(pairs.begin(), pairs.end(), [enough](double n) { return n >= enough; });
  return begin + (lit - pairs.begin()) * step;
}

/// `until`: of Alice's time, up to where both sides' data were looked at.
void PairTracker::lock(const SearchResult& found, std::int64_t until) {
  filter_ = ClockFilter(*found.line, found.offset_error, found.frequency_error);
  const std::int64_t begin = light_begin(*found.line, found.begin, until);
  alice_.drop(before(alice_.times(), begin));
  bob_.drop(before(bob_.times(), found.line->to_bob(begin) - PeakHistogram::kWide));
  ++report_.locks;
  state_ = State::tracking;
  report_.locked = true;
  attempts_ = near_attempts_ = 0;
  if (!alice_.times().empty()) settle(until);
}

/// What was found is walked through for the line, for the delays near the peak that this shows (of a first lock), and
/// once more for line and window; only then the same events are merged for good.
void PairTracker::settle(std::int64_t until) {
  const std::int64_t begin = alice_.times().front();
  const ClockLine found = filter_.line();
  double gate = PeakHistogram::kWide;
  for (int pass = 0; pass < 3; ++pass) {
    anchors_.clear();
    peak_.clear();
    delay_fit_.clear();
    usual_rate_ = std::max(0.0, settling_pass(gate, until));
    const PeakHistogram::Fit fit = peak_.fit();
    if (fit.pairs > 0) peak_fit_ = fit;
    const double chance = fit.background * 2 * gate / PeakHistogram::kBin;
    if (pass == 1 && report_.locks == 1 && fit.pairs >= kDelayPairs) add_delays(fit.pairs / (fit.pairs + chance));
    const ClockLine start = anchors_.empty() ? found : fit_anchors(anchors_, begin, found.frequency);
    gate = std::clamp(4 * peak_fit_.sigma, 500.0, 1.0 * PeakHistogram::kWide);
    spread_ = std::max(peak_fit_.sigma, 100.0);
    filter_ = ClockFilter(start, 50 + 4 * spread_ / std::sqrt(std::max(1.0, fit.pairs)), 2e-9);
  }
  anchors_.clear();
  delay_fit_.clear();
  probed_ = 0;
  batch_ = interval_ = {};
  batch_.begin = interval_.begin = begin;
}

/// Pairs a ps.
double PairTracker::settling_pass(double gate, std::int64_t until) {
  Chunk chunk;
  double pairs = 0;
  batch_ = {};
  batch_.begin = alice_.times().front();
  while (pairs < kSettlingPairs && next_chunk(chunk, PeakHistogram::kWide, More::ended, until)) {
    const double had = batch_.pairs();
    for (std::size_t k = 0; k < chunk.end.matches; ++k) {
      const std::int64_t r = residual(chunk, matches_[k]);
      peak_.add(r);
      if (std::abs(static_cast<double>(r)) <= gate)
        delay_fit_.add(alice_.pattern(chunk.a + matches_[k].a), bob_.pattern(chunk.b + matches_[k].b), r);
    }
    gather(chunk, gate / PeakHistogram::kWide, batch_);
    pairs += batch_.pairs() - had;
    correct();
    chunk.a += chunk.end.a;
    chunk.b += chunk.end.b;
  }
  return pairs / std::max(1.0, static_cast<double>(chunk.last - alice_.times().front()));
}

TrackReport PairTracker::report() const {
  TrackReport r = report_;
  r.window = {2 * window_half()};
  r.jitter_sigma = peak_fit_.sigma;
  r.now = filter_.line();
  r.at_first_tag = r.now;
  const std::vector<Anchor>& first = report_.losses == 0 ? anchors_ : first_anchors_;
  if (!first.empty() && first_tag_) r.at_first_tag = fit_anchors(first, *first_tag_, r.now.frequency);
  r.delays = delays_;
  r.alice = alice_.counts();
  r.bob = bob_.counts();
  return r;
}

}  // namespace nicol::detection::pairs
