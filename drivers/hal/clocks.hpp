// SPDX-License-Identifier: Apache-2.0
// The two injected clocks: RigClock is the time light is stamped in (virtual when simulated);
// Deadlines is steady time for sockets, transports and watchdogs, and is never scaled.
#pragma once

#include <chrono>
#include <memory>

#include "drivers/hal/units.hpp"

namespace nicol {

/// Thread-safe. A virtual clock moves only when slots are emitted or mechanics take their time.
class RigClock {
 public:
  virtual ~RigClock() = default;
  virtual Picoseconds now() const noexcept = 0;
  /// Waits (real) or jumps (virtual) until t; a t in the past does nothing.
  virtual void advance_to(Picoseconds t) noexcept = 0;
};
std::unique_ptr<RigClock> make_steady_rig_clock();
std::unique_ptr<RigClock> make_virtual_rig_clock();

/// A point of steady time after which a blocking call gives up.
struct Deadline {
  std::chrono::steady_clock::time_point at = std::chrono::steady_clock::time_point::max();
};

class Deadlines {
 public:
  virtual ~Deadlines() = default;
  virtual std::chrono::steady_clock::time_point now() const noexcept = 0;
  Deadline in(std::chrono::nanoseconds d) const noexcept {
    return {now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(d)};
  }
  bool passed(Deadline d) const noexcept { return now() >= d.at; }
};
class SteadyDeadlines final : public Deadlines {
 public:
  std::chrono::steady_clock::time_point now() const noexcept override { return std::chrono::steady_clock::now(); }
};
/// For tests: stands still until told.
class FakeDeadlines final : public Deadlines {
 public:
  std::chrono::steady_clock::time_point now() const noexcept override { return now_; }
  void advance(std::chrono::nanoseconds d) {
    now_ += std::chrono::duration_cast<std::chrono::steady_clock::duration>(d);
  }

 private:
  std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
};

}  // namespace nicol
