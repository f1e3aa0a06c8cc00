// SPDX-License-Identifier: Apache-2.0
// Rates of photon pairs: the merge under lock, and one correlation of the offset search.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "controller/app/bench/measure.hpp"
#include "controller/detection/pairs/correlation.hpp"
#include "controller/detection/pairs/pair_tracker.hpp"
#include "drivers/hal/random.hpp"

namespace nicol::bench {

namespace {

using namespace detection::pairs;

constexpr std::size_t kEventsPerCall = 65'536;
constexpr std::int64_t kOffset = 123'456'789;
constexpr double kFrequency = 17e-6, kMeanGap = 1e6, kJitter = 300;  // ps: a million events a second and side

struct Recording {
  std::vector<std::int64_t> alice, bob;
  std::vector<Pattern> alice_patterns, bob_patterns;
};

std::int64_t to_bob(std::int64_t t) { return t + kOffset + std::llround(kFrequency * static_cast<double>(t)); }

/// A tenth of the events of either side are pairs.
Recording record(std::size_t events_a_side) {
  CounterStream random({1, NodeId::world, Purpose::test, 7});
  Recording r;
  const auto gap = [&](double mean) { return static_cast<std::int64_t>(-mean * std::log(random.uniform_positive())); };
  const auto jitter = [&] {
    return std::llround(kJitter * (random.uniform() + random.uniform() + random.uniform() - 1.5) * 2);
  };
  for (std::int64_t t = 0; r.alice.size() < events_a_side;) {
    r.alice.push_back(t += gap(kMeanGap));
    if (random.below(10) == 0) r.bob.push_back(to_bob(t) + jitter());
  }
  for (std::int64_t t = 0; r.bob.size() < events_a_side;) r.bob.push_back(to_bob(t += gap(kMeanGap / 0.9)));
  std::sort(r.bob.begin(), r.bob.end());
  const auto patterns = [&](std::size_t n) {
    std::vector<Pattern> p(n);
    for (auto& x : p) x = static_cast<Pattern>(1U << random.below(4));
    return p;
  };
  r.alice_patterns = patterns(r.alice.size());
  r.bob_patterns = patterns(r.bob.size());
  return r;
}

void feed(PairTracker& tracker, Side side, const std::vector<std::int64_t>& ticks, const std::vector<Pattern>& patterns,
          std::size_t first) {
  const std::size_t n = std::min(kEventsPerCall, ticks.size() - first);
  const auto fed = tracker.feed(side, std::span(ticks).subspan(first, n), std::span(patterns).subspan(first, n));
  if (!fed) throw std::runtime_error(describe(fed.error()));
}

TrackReport merged(const Recording& r) {
  TrackerOptions options;
  options.start = ClockLine{0, static_cast<double>(kOffset), kFrequency};
  PairTracker tracker({1, 1}, {1, 1}, options);
  for (std::size_t first = 0; first < r.alice.size(); first += kEventsPerCall) {
    feed(tracker, Side::alice, r.alice, r.alice_patterns, first);
    feed(tracker, Side::bob, r.bob, r.bob_patterns, first);
    keep(tracker.advance().data());
  }
  keep(tracker.finish().data());
  return tracker.report();
}

StageResult coincidence(std::size_t events, const Yardstick& yardstick) {
  const Recording r = record(events / 2);
  TrackReport report;
  const double seconds = median_seconds([&] { report = merged(r); }, {5, 1, 5});
  const auto size = static_cast<double>(r.alice.size() + r.bob.size());
  return compared("coincidence", size, size / seconds * 1e-6, "Mevents/s", yardstick,
                  {{"coincidences", static_cast<double>(report.coincidences)},
                   {"accidentals", static_cast<double>(report.accidentals)},
                   {"window_ps", static_cast<double>(report.window.count)}});
}

StageResult clock_offset(unsigned log2_grid, const Recording& r, const Yardstick& yardstick) {
  const FoldedGrid grid{log2_grid, 21};
  Correlation correlation(grid);
  Grid bob(grid.bins());
  std::vector<float> first(grid.bins()), second(grid.bins());
  std::ptrdiff_t peak = 0;
  const double seconds = median_seconds([&] {
    correlation.spectrum(r.bob, 0, bob);
    correlation(r.alice, bob, 0, {kFrequency, -kFrequency}, first, second);
    peak = std::max_element(first.begin(), first.end()) - first.begin();
    keep(&*std::max_element(second.begin(), second.end()));
  });
  const auto middle = static_cast<std::ptrdiff_t>(grid.bins() / 2);
  const double found = static_cast<double>(peak - middle) * grid.bin();
  if (std::abs(found - kOffset) > 2 * grid.bin()) throw std::runtime_error("the correlation peaks at a wrong offset");
  return compared("clock_offset", static_cast<double>(grid.bins()), seconds * 1e3, "ms", yardstick,
                  {{"events", static_cast<double>(r.alice.size() + r.bob.size())}, {"frequencies", 2}});
}

}  // namespace

/// Under lock, from a tagger's ticks and patterns to coincidences with their residuals, chance counted beside the peak.
std::vector<StageResult> bench_coincidence(const Options&) {
  const Yardstick merge = branch_free_merge();
  std::vector<StageResult> results;
  for (const std::size_t events : {200'000u, 2'000'000u, 20'000'000u}) results.push_back(coincidence(events, merge));
  return results;
}

/// One call of the search's correlation: both streams folded, for two frequencies at once, and the largest count found.
std::vector<StageResult> bench_clock_offset(const Options&) {
  const Recording r = record(1'000'000);
  const Yardstick correlation = float_cross_correlation();
  std::vector<StageResult> results;
  for (const unsigned log2_grid : {18U, 20U, 22U}) results.push_back(clock_offset(log2_grid, r, correlation));
  return results;
}

}  // namespace nicol::bench
