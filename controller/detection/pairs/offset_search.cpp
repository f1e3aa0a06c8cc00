// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/offset_search.hpp"

#include <algorithm>
#include <cmath>

#include "controller/detection/pairs/significance.hpp"

namespace nicol::detection::pairs {
namespace {

constexpr std::size_t kMostCandidates = 64;
constexpr double kDifferences = 1e5;      // that a first look at a candidate takes in
constexpr double kLengthPerCell = 4.8e6;  // of a first look: four times sharper than the coarse search
constexpr double kFinestCell = 4e3, kConfirmCell = 8e3, kShortest = 1e10, kConfirmLength = 2.5e11;  // ps
constexpr double kWander = 1e-9 * 1e-12;  // frequency per ps that a cell must allow for
constexpr double kConfirmPairs = 400, kLengthChoices = 10;

std::size_t count_inside(std::span<const std::int64_t> times, std::int64_t begin, std::int64_t end) {
  return static_cast<std::size_t>(std::lower_bound(times.begin(), times.end(), end) -
                                  std::lower_bound(times.begin(), times.end(), begin));
}

/// The first stretch of this length in which both sides saw at least half of their usual light.
std::int64_t busy_begin(const Streams& s, const ClockLine& line, const Streams::Overlap& whole, std::int64_t length) {
  const auto usual = [length](std::span<const std::int64_t> times) {
    const double span = static_cast<double>(times.back() - times.front() + 1);
    return 0.5 * static_cast<double>(times.size()) * std::min(1.0, static_cast<double>(length) / span);
  };
  const double alice = usual(s.alice), bob = usual(s.bob);
  const std::int64_t step = std::max<std::int64_t>({1, length / 2, (whole.end - whole.begin) / 1024});
  for (std::int64_t begin = whole.begin; begin + length <= whole.end; begin += step)
    if (static_cast<double>(count_inside(s.alice, begin, begin + length)) >= alice &&
        static_cast<double>(count_inside(s.bob, line.to_bob(begin), line.to_bob(begin + length))) >= bob)
      return begin;
  return whole.begin;
}

/// How many cells of this patch's size the whole area holds.
double cells_of(double offsets, double frequencies, const Patch& patch) {
  return std::ceil(offsets / patch.offset_step()) * (std::ceil(frequencies / patch.frequency_step()) + 1);
}

}  // namespace

/// A longer and sharper look where the first one saw something; the only place that can claim a lock.
SearchResult OffsetSearch::confirm(const Streams& streams, const Patch& patch, const PatchPeak& peak,
                                   const Area& area) {
  const auto available = static_cast<double>(streams.overlap(peak.line).end - patch.begin);
  const double first = static_cast<double>(patch.length);
  const double rate = std::max(1.0, peak.count - peak.background) / first;
  double length = first;
  while ((length * rate < kConfirmPairs || length < kConfirmLength) && 2 * length <= available) length *= 2;
  Patch sharp;
  sharp.begin = patch.begin;
  sharp.length = static_cast<std::int64_t>(length);
  sharp.centre = peak.line;
  sharp.frequency_half = 1.5 * patch.frequency_step();
  sharp.offset_half = 1.5 * patch.cell + sharp.frequency_half * 0.5 * (length - first);
  sharp.cell = std::max(kConfirmCell, kWander * length * length / 4);
  const PatchPeak found = patch_search_(streams.alice, streams.bob, sharp);
  SearchResult result;
  result.cells = cells_of(area.offsets, area.frequencies, sharp) * area.trials * kLengthChoices;
  result.sigma = normal_equivalent(found.log_p + std::log(result.cells));
  result.begin = sharp.begin;
  if (result.sigma < kLeastSigma) return result;
  result.line = found.line;
  result.offset_error = sharp.offset_step();
  result.frequency_error = sharp.frequency_step();
  result.pairs_per_second = (found.count - found.background) / length * 1e12;
  return result;
}

SearchResult OffsetSearch::follow(const Streams& streams, const Candidate& candidate, const Area& area) {
  const ClockLine line{candidate.at, candidate.offset, candidate.frequency};
  const Streams::Overlap overlap = streams.overlap(line);
  if (overlap.begin == overlap.end) return {};
  const auto span = static_cast<double>(overlap.end - overlap.begin);
  // The coarse search saw the frequency only as sharply as the part of its sections allows that holds pairs.
  const double frequency_half = candidate.frequency_half * static_cast<double>(streams.end - streams.begin) / span;
  const double reach = 2 * (candidate.offset_half + frequency_half * span / 2);
  const double wanted = kDifferences / (streams.chance_rate() * reach);
  Patch patch;
  patch.length = static_cast<std::int64_t>(std::min(std::max(wanted, kShortest), span));
  patch.begin = busy_begin(streams, line, overlap, patch.length);
  patch.centre = line;
  patch.offset_half = candidate.offset_half;
  patch.frequency_half = frequency_half;
  patch.cell = std::max(static_cast<double>(patch.length) / kLengthPerCell, kFinestCell);
  const PatchPeak peak = patch_search_(streams.alice, streams.bob, patch);
  if (peak.log_p + std::log(peak.cells * kMostCandidates) > std::log(1e-2)) return {};
  return confirm(streams, patch, peak, area);
}

SearchResult OffsetSearch::operator()(std::span<const std::int64_t> alice, std::span<const std::int64_t> bob,
                                      int attempts, Picoseconds centre) {
  const Streams streams(alice, bob, range_.offset, centre);
  const auto span = streams.begin == streams.end ? 0.0 : static_cast<double>(streams.end - alice.front());
  const Area area{2 * (static_cast<double>(range_.offset.count) + range_.frequency * span), 2 * range_.frequency,
                  static_cast<double>(attempts)};
  if (!coarse_) coarse_.emplace(range_);
  SearchResult best;
  for (const Candidate& candidate : (*coarse_)(streams, kMostCandidates)) {
    const SearchResult result = follow(streams, candidate, area);
    if (result.line) return result;
    if (result.sigma >= best.sigma) best = result;
  }
  return best;
}

SearchResult OffsetSearch::near(std::span<const std::int64_t> alice, std::span<const std::int64_t> bob,
                                const ClockLine& guess, double offset_half, double frequency_half, int attempts) {
  const Streams streams(alice, bob, range_.offset, {std::llround(guess.offset)});
  const Streams::Overlap overlap = streams.begin == streams.end ? Streams::Overlap{} : streams.overlap(guess);
  if (overlap.begin == overlap.end) return {};
  Patch patch;
  patch.length = std::min<std::int64_t>(overlap.end - overlap.begin, 300'000'000'000);
  patch.begin = busy_begin(streams, guess, overlap, patch.length);
  patch.centre = guess;
  patch.offset_half = offset_half;
  patch.frequency_half = frequency_half;
  patch.cell = std::max(static_cast<double>(patch.length) / kLengthPerCell, kFinestCell);
  const PatchPeak peak = patch_search_(alice, bob, patch);
  if (peak.count == 0) return {};
  return confirm(streams, patch, peak, {2 * offset_half, 2 * frequency_half, static_cast<double>(attempts)});
}

}  // namespace nicol::detection::pairs
