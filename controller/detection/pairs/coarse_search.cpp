// SPDX-License-Identifier: Apache-2.0
// Sections of 0.55 s are correlated for sixteen guesses of the frequency, so coarse that a section smears by half a
// bin; between them the finer frequencies are sums of the same correlations, shifted by what the clocks drift from
// section to section. That costs one sixteenth of the transforms that the fine guesses would.
#include "controller/detection/pairs/coarse_search.hpp"

#include <algorithm>
#include <cmath>

#include "controller/detection/pairs/significance.hpp"

namespace nicol::detection::pairs {
namespace {

constexpr unsigned kLog2Section = 39;  // ps
constexpr std::size_t kMostSections = 20, kMostFound = 1 << 20;
constexpr std::int64_t kTile = 2048;
constexpr double kChanceCandidates = 64;

std::span<const std::int64_t> inside(std::span<const std::int64_t> times, std::int64_t begin, std::int64_t end) {
  const auto first = std::lower_bound(times.begin(), times.end(), begin);
  return {first, std::lower_bound(first, times.end(), end)};
}

double coarse_step(const FoldedGrid& grid) { return std::ldexp(grid.bin(), -static_cast<int>(kLog2Section)); }

bool neighbours(const Candidate& x, const Candidate& y) {
  return std::abs(x.lag - y.lag) <= 3 && std::abs(x.slope - y.slope) <= 3;
}

/// The best of each heap of neighbours.
std::vector<Candidate> thinned(std::vector<Candidate>& found, std::size_t most) {
  std::sort(found.begin(), found.end(), [](const Candidate& x, const Candidate& y) {
    return x.score != y.score ? x.score > y.score : x.lag != y.lag ? x.lag < y.lag : x.slope < y.slope;
  });
  std::vector<Candidate> kept;
  for (const Candidate& c : found) {
    if (kept.size() == most) break;
    if (std::none_of(kept.begin(), kept.end(), [&](const Candidate& k) { return neighbours(k, c); })) kept.push_back(c);
  }
  return kept;
}

}  // namespace

CoarseSearch::CoarseSearch(SearchRange range)
    : range_(range),
      correlation_(FoldedGrid{}),
      sums_(aligned_floats(kTile + kSumBlock)),
      maxima_(aligned_floats(kTile / kSumBlock + 1)) {}

Streams::Streams(std::span<const std::int64_t> alice_times, std::span<const std::int64_t> bob_times, Picoseconds range,
                 Picoseconds centre_offset)
    : alice(alice_times), bob(bob_times), centre(centre_offset.count) {
  if (alice.empty() || bob.empty()) return;
  begin = std::max(alice.front(), bob.front() - centre - range.count);
  end = std::max(begin, std::min(alice.back(), bob.back() - centre + range.count));
}

Streams::Overlap Streams::overlap(const ClockLine& line) const {
  const auto to_alice = [&line](std::int64_t t) { return t - (line.to_bob(t) - t); };  // right to 120 ppm of the offset
  Overlap o{std::max(begin, to_alice(bob.front())), std::min(end, to_alice(bob.back()))};
  o.end = std::max(o.begin, o.end);
  return o;
}

double Streams::chance_rate() const {
  const auto rate = [](std::span<const std::int64_t> times) {
    return static_cast<double>(times.size()) / std::max(1.0, static_cast<double>(times.back() - times.front()));
  };
  return rate(alice) * rate(bob);
}

void CoarseSearch::cut(const Streams& streams) {
  constexpr std::int64_t length = std::int64_t{1} << kLog2Section;
  const auto count = static_cast<std::size_t>((streams.end - streams.begin) / length + 1);
  sections_.clear();
  centre_ = streams.centre;
  reach_ =
      range_.offset.count + std::llround(range_.frequency * static_cast<double>(streams.end - streams.alice.front()));
  double variance = 0;
  for (std::size_t k = 0; k < std::min(count, kMostSections); ++k) {
    const std::int64_t begin = streams.begin + static_cast<std::int64_t>(k) * length;
    Section s{begin + length / 2, inside(streams.alice, begin, begin + length),
              inside(streams.bob, begin + streams.centre - reach_, begin + length + streams.centre + reach_)};
    variance += static_cast<double>(s.alice.size()) * static_cast<double>(s.bob.size());
    sections_.push_back(s);
    if (spectra_.size() <= k) spectra_.emplace_back(correlation_.grid().bins());
    correlation_.spectrum(s.bob, s.middle + streams.centre, spectra_[k]);
  }
  deviation_ = std::sqrt(std::max(variance, 1.0) / static_cast<double>(correlation_.grid().bins()));
}

void CoarseSearch::correlate(std::array<double, 2> frequencies) {
  const std::size_t n = correlation_.grid().bins();
  for (std::size_t k = 0; k < sections_.size(); ++k)
    correlation_(sections_[k].alice, spectra_[k], sections_[k].middle, frequencies,
                 std::span(first_).subspan(k * stride(), n), std::span(second_).subspan(k * stride(), n));
}

/// Sums of one cell and of two neighbours, where the block's largest says that it can be worth it. `at` is the tile's
/// first lag.
void CoarseSearch::pick(const Candidate& at, std::size_t length, std::vector<Candidate>& found) const {
  const double bin = correlation_.grid().bin();
  const float half = std::sqrt(0.5F), least = threshold_ * static_cast<float>(deviation_);
  for (std::size_t block = 0; block * kSumBlock < length; ++block) {
    if (std::max(maxima_[block], maxima_[block + 1]) < half * least) continue;
    for (std::size_t i = block * kSumBlock; i < std::min(length, (block + 1) * kSumBlock); ++i) {
      const float pair = half * (sums_[i] + sums_[i + 1]), score = std::max(sums_[i], pair);
      if (score < least || found.size() >= kMostFound) continue;
      Candidate c = at;
      c.score = score / static_cast<float>(deviation_);
      c.lag = at.lag + static_cast<std::int32_t>(i);
      c.offset = static_cast<double>(centre_) + (c.lag + (pair > sums_[i] ? 0.5 : 0.0)) * bin;
      found.push_back(c);
    }
  }
}

void CoarseSearch::scan_tile(std::int64_t tile, std::size_t length, const Candidate& slope, std::span<const float> lags,
                             std::vector<Candidate>& found) {
  const FoldedGrid& grid = correlation_.grid();
  rows_.clear();
  for (std::size_t k = 0; k < sections_.size(); ++k) {
    const auto shift = std::llround(slope.frequency * static_cast<double>(sections_[k].middle - slope.at) / grid.bin());
    rows_.push_back(lags.data() + k * stride() + static_cast<std::size_t>(tile + shift) + grid.bins() / 2);
  }
  correlation_.transform().add_rows(sums_.get(), maxima_.get(), rows_, kTile / kSumBlock + 1);
  Candidate at = slope;
  at.lag = static_cast<std::int32_t>(tile);
  pick(at, length, found);
}

/// Tile by tile, so that the correlations of all sections come from the cache for each slope.
void CoarseSearch::scan(std::size_t coarse, std::span<const float> lags, std::vector<Candidate>& found) {
  const FoldedGrid& grid = correlation_.grid();
  const std::size_t slopes = sections_.size();
  const double step = coarse_step(grid) / static_cast<double>(slopes);
  Candidate at;
  at.at = (sections_.front().middle + sections_.back().middle) / 2;
  at.offset_half = 3 * grid.bin();
  at.frequency_half = 2.5 * step;
  const auto reach = static_cast<std::int64_t>(static_cast<double>(reach_) / grid.bin()) + 1;
  for (std::int64_t tile = -reach; tile <= reach; tile += kTile)
    for (std::size_t k = coarse * slopes; k < (coarse + 1) * slopes; ++k) {
      at.slope = static_cast<std::int32_t>(k);
      at.frequency = -range_.frequency + (static_cast<double>(k) + 0.5) * step;
      scan_tile(tile, static_cast<std::size_t>(std::min(kTile, reach + 1 - tile)), at, lags, found);
    }
}

std::vector<Candidate> CoarseSearch::operator()(const Streams& streams, std::size_t most) {
  if (streams.begin == streams.end) return {};
  cut(streams);
  const double step = coarse_step(correlation_.grid());
  const std::size_t coarse = 2 * static_cast<std::size_t>(std::ceil(range_.frequency / step));
  const double cells = 2 * static_cast<double>(range_.offset.count) / correlation_.grid().bin() *
                       static_cast<double>(coarse * sections_.size());
  threshold_ = static_cast<float>(normal_equivalent(std::log(std::min(0.1, kChanceCandidates / cells))));
  first_.resize(stride() * sections_.size());
  second_.resize(stride() * sections_.size());
  std::vector<Candidate> found;
  const auto guess = [&](std::size_t c) { return -range_.frequency + (static_cast<double>(c) + 0.5) * step; };
  for (std::size_t c = 0; c < coarse; c += 2) {
    correlate({guess(c), guess(c + 1)});
    scan(c, first_, found);
    scan(c + 1, second_, found);
  }
  first_ = second_ = {};  // 170 MB that nobody needs under lock
  spectra_.clear();
  return thinned(found, most);
}

}  // namespace nicol::detection::pairs
