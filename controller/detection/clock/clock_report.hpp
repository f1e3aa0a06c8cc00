// SPDX-License-Identifier: Apache-2.0
// What a clock without sync channel says of itself: public figures for monitors, each with its error bar.
#pragma once

#include <cstdint>

namespace nicol::detection {

/// The two clocks as a block before knew them: the search for the period is that much narrower.
struct ClockPrior {
  double frequency = 0, drift = 0;  // relative, and of it per second
};

struct ClockReport {
  struct Measured {
    double value = 0, sigma = 0;
  };
  bool tracking = false;
  Measured slot_zero;                    // seconds of the stream at which slot 0 began, by the first lock
  Measured frequency;                    // slot period against the nominal one, relative
  Measured drift;                        // of it, per second
  Measured phase;                        // value: newest innovation; sigma: of the line; seconds
  double jitter = 0, jitter_sigma = 0;   // of the arrivals, seconds (one sigma of a Gaussian)
  double background = 0;                 // part of the clicks that is not light of this source
  Measured contrast;                     // in public slots, agreeing less disagreeing clicks over all: 1 - 2 QBER there
  double log10_false_lock = 0;           // bound on the probability that the newest lock is an accident
  double lock_seconds = 0;               // of stream that the first lock took
  std::uint64_t lock_clicks = 0;         // that it took
  std::uint64_t locks = 0, windows = 0;  // windows: checks against public slots that passed
  std::uint64_t slips = 0;               // checks that failed: slots were numbered wrongly, or light is gone
  std::uint64_t phase_losses = 0;        // lost because the phase jumped
  std::uint64_t fades = 0;               // lost because no light was seen for a second
};

}  // namespace nicol::detection
