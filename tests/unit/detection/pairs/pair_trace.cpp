// SPDX-License-Identifier: Apache-2.0
// Figures for controller/detection/plots.py: the coincidence peak of one pair of free-running taggers, as tables on
// stdout like clock_trace's.
#include <fmt/core.h>

#include <cstdlib>
#include <map>
#include <vector>

#include "controller/detection/pairs/pair_tracker.hpp"
#include "tests/support/pair_stream.hpp"

namespace nicol::detection::pairs::test {
namespace {

constexpr std::int64_t kBin = 50, kShown = 4'000;  // ps

/// 1 kpairs/s in 100 kcps a side, somewhere in ±1 s and ±120 ppm; a third of Bob's photons late by a detector's tail.
nicol::test::PairStreams streams() {
  nicol::test::PairSpec spec;
  spec.seed = 11;
  spec.seconds = 30;
  spec.offset = 0.37e12;
  spec.frequency = -83e-6;
  spec.drift = 1e-9;
  spec.tail = 400;
  spec.tail_share = 0.3;
  return nicol::test::draw_pairs(spec);
}

struct Tracked {
  std::map<std::int64_t, std::uint64_t> bins;  // by the lower end of a bin
  TrackReport report;
};

Tracked track(const nicol::test::PairStreams& s, std::optional<Picoseconds> window) {
  TrackerOptions options;
  options.window = window;
  PairTracker tracker(s.spec.tick_alice, s.spec.tick_bob, options);
  Tracked out;
  const auto take = [&](std::span<const Coincidence> pairs) {
    for (const Coincidence& c : pairs) ++out.bins[(c.residual + 100 * kBin * 1000) / kBin * kBin - 100 * kBin * 1000];
  };
  for (const auto& [side, tags] : {std::pair{Side::alice, &s.alice}, std::pair{Side::bob, &s.bob}})
    if (const auto ok = tracker.feed(side, tags->ticks, tags->patterns); !ok) std::abort();
  take(tracker.finish());
  out.report = tracker.report();
  return out;
}

}  // namespace
}  // namespace nicol::detection::pairs::test

int main() {
  using namespace nicol::detection::pairs::test;
  const auto s = streams();
  const Tracked wide = track(s, nicol::Picoseconds{2 * kShown}), fitted = track(s, std::nullopt);
  fmt::print("# peak: residual_ps coincidences\n");
  for (std::int64_t at = -kShown; at < kShown; at += kBin)
    fmt::print("{} {}\n", at + kBin / 2, wide.bins.contains(at) ? wide.bins.at(at) : 0);
  fmt::print("# peak_window: fitted_ps coincidences accidentals chance_a_bin\n{} {} {} {:.3f}\n",
             fitted.report.window.count, fitted.report.coincidences, fitted.report.accidentals,
             static_cast<double>(wide.report.accidentals) * kBin / (2 * kShown));
}
