// SPDX-License-Identifier: Apache-2.0
// Under lock: chunk by chunk the line is laid, the streams are merged, chance is counted beside the peak, and line,
// window and delays follow what came out.
#include <algorithm>
#include <cmath>
#include <limits>

#include "controller/detection/pairs/pair_tracker.hpp"

namespace nicol::detection::pairs {
namespace {

constexpr std::size_t kChunkEvents = 8192, kSmallChunk = 2048, kMostAnchors = 8192;
constexpr std::int64_t kChunkTime = std::int64_t{1} << 36;  // 69 ms: the line is not believed for longer
constexpr std::int64_t kOffPeak = 4 * PeakHistogram::kWide, kOffPeakStep = PeakHistogram::kWide, kOffPeakChoices = 8;
constexpr double kBatchPairs = 64, kBatchTime = 1e11, kJudgeTime = 1e12, kJudgeMost = 1e13, kJudgePairs = 30;
constexpr std::uint64_t kProbeEvery = 16;
constexpr double kProbePairs = 2000, kAnchorTime = 1e13, kMostDelayPairs = 262'144;
constexpr double kBias = 1 << 24;  // makes a drift within a chunk positive, so that truncation rounds down

}  // namespace

std::int64_t PairTracker::window_half() const {
  if (options_.window) return options_.window->count / 2;
  return std::clamp<std::int64_t>(std::llround(peak_fit_.window / 2), 50, PeakHistogram::kWide / 2);
}

std::int64_t PairTracker::residual(const Chunk& chunk, const Match& match) const {
  return bob_.times()[chunk.b + match.b] - mapped_[match.a];
}

/// Chunks end where the tags say, never where a call to feed() did: the same recording gives the same pairs.
std::size_t PairTracker::chunk_length(std::span<const std::int64_t> a, More more) const {
  if (a.empty()) return 0;
  const auto most = a.first(std::min(a.size(), kChunkEvents));
  const auto n = static_cast<std::size_t>(std::upper_bound(most.begin(), most.end(), a[0] + kChunkTime) - most.begin());
  return more == More::follows && n == a.size() && n < kChunkEvents ? 0 : n;
}

/// Alice's times by Bob's clock.
void PairTracker::lay_line(std::span<const std::int64_t> a) {
  const ClockLine line = filter_.line().moved_to(a[0]);
  const double start = line.offset + kBias;
  const std::int64_t base = a[0] - static_cast<std::int64_t>(kBias);
  mapped_.resize(a.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    const std::int64_t since = a[k] - a[0];
    mapped_[k] = base + since + static_cast<std::int64_t>(start + line.frequency * static_cast<double>(since));
  }
}

/// Merges the next events of Alice before `until`; false where not all is in yet that it takes.
bool PairTracker::next_chunk(Chunk& chunk, std::int64_t half, More more, std::int64_t until) {
  auto a = alice_.times().subspan(chunk.a);
  const auto all_b = bob_.times().subspan(chunk.b);
  a = a.first(static_cast<std::size_t>(std::lower_bound(a.begin(), a.end(), until) - a.begin()));
  const std::size_t n = chunk_length(a, more);
  if (n == 0) return false;
  lay_line(a.first(n));
  const std::int64_t margin = half + reach();
  if (more == More::follows && (all_b.empty() || all_b.back() <= mapped_.back() + margin)) return false;
  const auto b = all_b.first(
      static_cast<std::size_t>(std::upper_bound(all_b.begin(), all_b.end(), mapped_.back() + margin) - all_b.begin()));
  chunk.half = half;
  chunk.end = merge(mapped_, b, {-half, half}, matches_);
  chunk.end.a = n;  // those left over have all their possible partners behind them
  chunk.chance = chance_matches(mapped_, b, half);
  chunk.last = a[n - 1];
  return true;
}

/// How far beside the peak anything is looked for.
std::int64_t PairTracker::reach() const {
  return std::max(options_.off_peak.count, kOffPeak + kOffPeakChoices * kOffPeakStep);
}

/// How far beside the peak chance is counted, in turn.
std::int64_t PairTracker::chance_shift(std::uint64_t turn) const {
  if (options_.off_peak.count > 0) return options_.off_peak.count;
  return kOffPeak + static_cast<std::int64_t>(turn / 2) % kOffPeakChoices * kOffPeakStep;
}

std::uint64_t PairTracker::chance_matches(std::span<const std::int64_t> a, std::span<const std::int64_t> b,
                                          std::int64_t half) {
  const std::uint64_t turn = chunks_++;
  const std::int64_t shift = turn % 2 == 1 ? -chance_shift(turn) : chance_shift(turn);
  return merge(a, b, {shift - half, shift + half}, spare_).matches;
}

bool PairTracker::track(More more) {
  Chunk chunk;
  const std::int64_t half = window_half();
  if (!next_chunk(chunk, half, more, std::numeric_limits<std::int64_t>::max())) return false;
  emit(chunk, half);
  report_.accidentals += chunk.chance;
  gather(chunk, 1, batch_);
  gather(chunk, 1, interval_);
  if (chunk.end.a < kSmallChunk || chunks_ % kProbeEvery == 0) probe(chunk);
  correct();
  alice_.drop(chunk.end.a);
  bob_.drop(chunk.end.b);
  judge(chunk.last);
  return true;
}

/// A wide merge now and then shows the whole peak and the level beside it.
void PairTracker::probe(const Chunk& chunk) {
  const auto b = bob_.times().subspan(chunk.b);
  const auto end = std::upper_bound(b.begin(), b.end(), mapped_.back() + PeakHistogram::kWide);
  const auto found = merge(mapped_, {b.begin(), end}, {-PeakHistogram::kWide, PeakHistogram::kWide}, spare_);
  for (std::size_t k = 0; k < found.matches; ++k) peak_.add(b[spare_[k].b] - mapped_[spare_[k].a]);
  probed_ += static_cast<double>(found.matches);
  if (probed_ < kProbePairs) return;
  const PeakHistogram::Fit fit = peak_.fit();
  if (fit.pairs > kProbePairs / 8) {
    peak_fit_ = fit;
    spread_ = std::max(fit.sigma, 20.0);
  }
  peak_.fade();
  probed_ /= 2;
}

Pattern PairTracker::joined(const EventQueue& queue, std::size_t at, std::int64_t partner, std::int64_t half) const {
  const auto times = queue.times();
  Pattern pattern = queue.pattern(at);
  for (std::size_t k = at + 1; k < times.size() && times[k] <= partner + half; ++k)
    pattern = static_cast<Pattern>(pattern | queue.pattern(k));
  std::size_t k = at;
  while (k > 0 && times[k - 1] >= partner - half) pattern = static_cast<Pattern>(pattern | queue.pattern(--k));
  if (k == 0 && queue.has_previous() && queue.previous_time() >= partner - half)
    pattern = static_cast<Pattern>(pattern | queue.previous_pattern());
  return pattern;
}

void PairTracker::emit(const Chunk& chunk, std::int64_t half) {
  const auto a = alice_.times(), b = bob_.times();
  report_.coincidences += chunk.end.matches;
  for (std::size_t k = 0; k < chunk.end.matches; ++k) {
    const std::size_t i = chunk.a + matches_[k].a, j = chunk.b + matches_[k].b;
    const std::int64_t r = residual(chunk, matches_[k]);
    delay_fit_.add(alice_.pattern(i), bob_.pattern(j), r);
    out_.push_back({a[i], alice_.index(i), bob_.index(j), static_cast<std::int32_t>(r),
                    joined(alice_, i, a[i] + r, half), joined(bob_, j, b[j] - r, half)});
  }
}

/// Only residuals within this share of the window.
void PairTracker::gather(const Chunk& chunk, double share, Batch& batch) const {
  const double limit = share * static_cast<double>(chunk.half);
  for (std::size_t k = 0; k < chunk.end.matches; ++k) {
    const auto r = static_cast<double>(residual(chunk, matches_[k]));
    if (std::abs(r) > limit) continue;
    batch.n += 1, batch.sum += r, batch.squares += r * r;
  }
  batch.chance += share * static_cast<double>(chunk.chance);
  batch.end = chunk.last;
}

void PairTracker::correct() {
  const auto elapsed = static_cast<double>(batch_.end - batch_.begin);
  const double pairs = batch_.pairs();
  if (pairs < kBatchPairs && !(elapsed >= kBatchTime && pairs >= 4) && !(elapsed >= kJudgeTime && pairs >= 2)) {
    if (elapsed >= kJudgeMost) batch_ = {.begin = batch_.end, .end = batch_.end};
    return;
  }
  const double purity = std::max(0.05, pairs / batch_.n), mean = batch_.sum / batch_.n;
  const double sample = batch_.n < 8 ? 0 : batch_.squares / batch_.n - mean * mean;
  const double variance = std::max(sample, spread_ * spread_) / (batch_.n * purity * purity);
  const std::int64_t middle = batch_.begin + (batch_.end - batch_.begin) / 2;
  filter_.predict(middle);
  const double measured = filter_.line().offset + mean / purity;
  if (anchors_.size() < kMostAnchors &&
      (anchors_.empty() || static_cast<double>(middle - anchors_.front().at) < kAnchorTime))
    anchors_.push_back({middle, measured, variance});
  filter_.correct(mean / purity, variance);
  batch_ = {.begin = batch_.end, .end = batch_.end};
}

void PairTracker::add_delays(double purity) {
  const DelayFit::Fit more = delay_fit_.fit(purity);
  for (std::size_t d = 0; d < 4; ++d) delays_.alice[d] += more.alice[d], delays_.bob[d] += more.bob[d];
  alice_.set_delays(delays_.alice);
  bob_.set_delays(delays_.bob);
  delay_fit_.clear();
}

/// Once a second or so: are these pairs, or only chance?
void PairTracker::judge(std::int64_t now) {
  const auto elapsed = static_cast<double>(now - interval_.begin);
  if (elapsed < kJudgeTime || (usual_rate_ * elapsed < kJudgePairs && elapsed < kJudgeMost)) return;
  const double pairs = interval_.pairs(), rate = pairs / elapsed;
  const bool few = pairs < 0.2 * usual_rate_ * elapsed || elapsed >= kJudgeMost;
  if (few && pairs < 4 * std::sqrt(interval_.n + interval_.chance + 1)) return lose();
  usual_rate_ = 0.8 * usual_rate_ + 0.2 * rate;
  report_.alice_seconds += elapsed * 1e-12;
  if (static_cast<double>(delay_fit_.pairs()) >= next_delay_fit_) {
    add_delays(std::max(0.05, pairs / std::max(1.0, interval_.n)));
    next_delay_fit_ = std::min(2 * next_delay_fit_, kMostDelayPairs);
  }
  interval_ = {.begin = now, .end = now};
}

void PairTracker::lose() {
  if (++report_.losses == 1) first_anchors_ = std::move(anchors_);
  anchors_.clear();
  report_.locked = false;
  state_ = State::searching;
  hint_ = filter_.line();
  near_from_ = alice_.times().empty() ? interval_.end : alice_.times().front();
  rung_ = 0;
  attempts_ = near_attempts_ = 0;
  peak_.clear();
}

}  // namespace nicol::detection::pairs
