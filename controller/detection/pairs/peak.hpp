// SPDX-License-Identifier: Apache-2.0
// The coincidence peak as it is: its width and the window that serves a key best, and how late each detector reports.
#pragma once

#include <array>
#include <cstdint>

#include "controller/detection/pairs/event_queue.hpp"

namespace nicol::detection::pairs {

/// Residuals of pairs within kWide of the line, in bins of kBin. Old counts fade.
class PeakHistogram {
 public:
  static constexpr std::int64_t kWide = 16'000, kBin = 64;  // ps
  static constexpr std::size_t kBins = 2 * kWide / kBin;

  void add(std::int64_t residual);
  void fade();  // to a half
  void clear() { bins_ = {}; }
  struct Fit {
    double pairs = 0;       // above the chance level
    double background = 0;  // a bin
    double centre = 0;      // median of the peak, ps
    double sigma = 0;       // half the width of its central 68.3 %, ps
    double window = 0;      // full width, ps: the largest S^2 / (S + B)
  };
  Fit fit() const;

 private:
  double window_about(double centre, double background, double sigma) const;
  double count_within(double low, double high) const;
  std::array<double, kBins + 1> bins_{};
};

/// Residuals by Alice's and Bob's detector: t_bob - t_alice is late by Bob's delay less Alice's.
class DelayFit {
 public:
  void add(Pattern alice, Pattern bob, std::int64_t residual);
  void clear() { cells_ = {}; }
  std::uint64_t pairs() const;
  struct Fit {
    Delays alice{}, bob{};
  };
  /// `purity`: the share of true pairs; chance pairs draw each mean towards 0. Each side's delays sum to 0, since what
  /// all have in common is the offset. Detectors with few pairs keep 0.
  Fit fit(double purity) const;

 private:
  struct Cell {
    double n = 0, sum = 0;
  };
  std::array<std::array<Cell, 4>, 4> cells_{};
};

}  // namespace nicol::detection::pairs
