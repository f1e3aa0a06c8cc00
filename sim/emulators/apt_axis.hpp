// SPDX-License-Identifier: Apache-2.0
// The mechanics of one emulated Thorlabs motor: counts, a trapezoidal move, a reference mark once a turn, hard stops.
#pragma once

#include <cstdint>
#include <optional>

#include "sim/emulators/emulator.hpp"

namespace nicol::sim {

struct AptAxisTraits {
  double counts_per_degree = 1;
  double velocity = 10, acceleration = 20;       // deg/s, deg/s^2 at power-up
  std::optional<double> lower_stop, upper_stop;  // deg, in the motor's own counting
  double power_up = 0;                           // where the optic stands, deg
  bool knows_position = false;                   // an absolute sensor: no homing needed
};

/// Times are the emulator's; they never go back.
class AptAxis {
 public:
  explicit AptAxis(const AptAxisTraits& traits) : traits_(traits) { power_cycle(); }
  void power_cycle();

  enum class Ended : std::uint8_t { arrived, homed, stopped, stalled, at_stop };
  void move_to(double counts, Picoseconds now);
  void home(bool forward, double degrees_per_second, Picoseconds now);
  void stop(bool at_once, Picoseconds now);
  /// What ended by `now`, once.
  std::optional<Ended> ended(Picoseconds now);
  Picoseconds ends_at() const { return moving_ ? end_ : kNever; }

  bool moving() const { return moving_; }
  bool homing() const { return moving_ && goal_ == Ended::homed; }
  bool forward() const { return to_ >= from_; }
  bool homed() const { return homed_; }
  bool stalled() const { return stalled_; }
  int at_stop() const { return at_stop_; }  // +1 upper, -1 lower, 0 neither
  double counts(Picoseconds now) const;
  /// Where the optic really stands, degrees; its reference mark is at zero.
  double optic(Picoseconds now) const { return counts(now) / traits_.counts_per_degree + offset_; }

  double velocity = 10, acceleration = 20;  // deg/s, deg/s^2: of moves that start from now on
  bool stall_next = false;                  // the next move stops half-way

 private:
  void begin(double to, double speed, Ended goal, Picoseconds now);
  double travelled(Picoseconds now) const;

  AptAxisTraits traits_;
  double from_ = 0, to_ = 0, speed_ = 1, offset_ = 0;  // counts; counts/s; deg
  Picoseconds start_, end_;
  Ended goal_ = Ended::arrived;
  bool moving_ = false, homed_ = false, stalled_ = false;
  int at_stop_ = 0;
};

}  // namespace nicol::sim
