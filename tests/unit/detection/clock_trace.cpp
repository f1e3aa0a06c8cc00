// SPDX-License-Identifier: Apache-2.0
// Figures for controller/detection/plots.py: one free-running link as tables on stdout, and lock times over rates. Each
// table is a line "# name: columns" and rows of numbers.
#include <fmt/core.h>

#include <cmath>

#include "tests/unit/detection/clock_run.hpp"

namespace nicol::detection::test {
namespace {

/// Where each numbered photon came, against its slot's start.
class Residuals final : public TagSink {
 public:
  void take(const Stretch& stretch, std::span<const std::int64_t> taken, std::span<const std::uint8_t>) override {
    const Locator<Wide> at(stretch, stretch.length / stretch.steps);
    for (const std::int64_t t : taken) {
      if (t < at.earliest()) continue;
      rows.push_back(
          {static_cast<double>(t) * 1e-12, static_cast<double>(at(t).twice) / 2 / static_cast<double>(stretch.steps)});
    }
  }
  void before_block(std::int64_t) override {}
  void complete(std::uint64_t) override {}
  struct Row {
    double at, off;
  };
  std::vector<Row> rows;
};

/// Twelve seconds with five of darkness: what the clock says of the frequency, and where photons come.
void track() {
  PulsedLink link = link_of(3);
  link.darkness = {{3, 8}};
  Watched watched(link, pattern_of(slots_in(12), slots_in(0.3)));
  Residuals residuals;
  fmt::print("# track: time_s frequency_ppm sigma_ppm truth_ppm tracking phase_ns\n");
  double jitter = 0, background = 0;
  watched.play(200, residuals, [&](double t, const ClockReport& r) {
    if (r.locks == 0) return;
    const double truth = watched.true_frequency(t) * 1e6;
    fmt::print("{:.4f} {:.6f} {:.6f} {:.6f} {} {:.4f}\n", t, r.frequency.value * 1e6, r.frequency.sigma * 1e6, truth,
               r.tracking ? 1 : 0, r.phase.value * 1e9);
    jitter = r.jitter, background = r.background;
  });
  fmt::print("# shape: jitter_ps background\n{:.1f} {:.4f}\n", jitter * 1e12, background);
  std::vector<int> bins(200);
  for (const auto& row : residuals.rows)
    if (const int bin = static_cast<int>(std::floor(row.off / 50 + 100)); bin >= 0 && bin < 200)
      ++bins[static_cast<std::size_t>(bin)];
  fmt::print("# arrival: offset_ps count\n");
  for (std::size_t i = 0; i < bins.size(); ++i) fmt::print("{} {}\n", static_cast<int>(i) * 50 - 4975, bins[i]);
}

/// Light until the first slot is kept, at rates from a tenth to ten times the usual one.
void acquisition() {
  fmt::print("# acquisition: photons_per_s seed after_light_s clicks_of_lock\n");
  for (const double per_slot : {3e-5, 1e-4, 3e-4, 1e-3}) {
    const double seconds = std::min(4.0, 3e-4 / per_slot + 0.3);
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
      PulsedLink link = link_of(seed);
      link.per_slot = per_slot;
      const double tail = std::min(0.5, 5e-6 / per_slot);
      const Outcome o = run(link, pattern_of(slots_in(seconds), slots_in(seconds / 2), slots_in(tail)));
      fmt::print("{:.0f} {} {:.5f} {}\n", per_slot * kSlotsPerSecond, seed, o.relocked_after, o.report.lock_clicks);
    }
  }
}

}  // namespace
}  // namespace nicol::detection::test

int main() {
  nicol::detection::test::track();
  nicol::detection::test::acquisition();
}
