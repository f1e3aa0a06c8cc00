// SPDX-License-Identifier: Apache-2.0
// Emulator time: real time times a factor, from nought.
#pragma once

#include <algorithm>
#include <chrono>

#include "sim/emulators/emulator.hpp"

namespace nicol::test {

/// Thread-safe: it never changes.
class ScaledClock {
 public:
  using Real = std::chrono::steady_clock;
  explicit ScaledClock(double scale) : start_(Real::now()), scale_(scale) {}

  Picoseconds now() const {
    return Picoseconds::seconds(std::chrono::duration<double>(Real::now() - start_).count() * scale_);
  }
  /// Real time until then: never nought, so that nobody spins, and never more than a second.
  std::chrono::nanoseconds wait_for(Picoseconds due) const {
    using std::chrono::nanoseconds;
    constexpr nanoseconds kShortest = std::chrono::microseconds(20), kOverdue = std::chrono::microseconds(200),
                          kLongest = std::chrono::seconds(1);
    if (due == sim::kNever) return kLongest;
    const double real_ns = (due - now()).seconds() / scale_ * 1e9;
    if (real_ns <= 0) return kOverdue;
    if (real_ns >= static_cast<double>(kLongest.count())) return kLongest;
    return std::max(kShortest, nanoseconds(static_cast<nanoseconds::rep>(real_ns) + 1));
  }

 private:
  Real::time_point start_;
  double scale_;
};

}  // namespace nicol::test
