// SPDX-License-Identifier: Apache-2.0
// Slots by a pulse a second: both nodes hang on GPS, and slot 0 begins on a second. A receiver's pulses are off by tens
// of nanoseconds, so they are filtered; slots shorter than what the filter reaches are given up, not guessed.
#pragma once

#include <cstdint>
#include <optional>

#include "controller/detection/channel_table.hpp"
#include "controller/detection/clicks.hpp"
#include "controller/detection/clock/anchors.hpp"
#include "controller/detection/clock/clock_report.hpp"
#include "controller/detection/clock/tracked_line.hpp"

namespace nicol::detection {

struct PpsOptions {
  double jitter = 20e-9;    // of one pulse, seconds, one sigma
  double frequency = 5e-5;  // of the tagger's clock before it is measured, one sigma
  ClockNoise noise;
};

class PpsClock {
 public:
  /// The second of slot 0: the first pulse from half a second before `hint` on, or with a frame channel the pulse
  /// nearest to the frame marker.
  PpsClock(const StreamTiming& unit, std::uint64_t slots, bool has_frame, std::int64_t hint, PpsOptions options = {});

  void frame(std::int64_t t) noexcept;
  void pps(std::int64_t t);
  void resume(std::uint64_t first_slot) noexcept;
  std::uint64_t missing() const noexcept { return missing_; }
  std::uint64_t rejected() const noexcept { return rejected_; }
  /// Slots between pulses while the phase was not known to a third of half a gate.
  std::optional<SlotRange> take_unconfirmed() noexcept;

  bool started() const noexcept { return !anchors_.empty(); }
  bool full() const noexcept { return anchors_.full(); }
  bool firm(std::int64_t) const noexcept { return true; }
  bool has_closed() const noexcept { return anchors_.has_closed(); }
  Stretch oldest() const noexcept { return anchors_.oldest(); }
  std::int64_t oldest_end() const noexcept { return anchors_.oldest_end(); }
  void pop() noexcept { anchors_.pop(); }
  Stretch extrapolated() const noexcept { return line_.ahead(); }
  std::int64_t trusted_slots() const;
  bool over(std::int64_t pps_in) const noexcept;
  ClockReport report() const;

 private:
  void start(std::int64_t t);
  void follow(std::int64_t t);
  bool sharp(const PhaseFilter& filter) const { return 6 * filter.phase_sigma() <= gate_ * line_.unit(); }
  std::int64_t slot_before(std::int64_t second) const noexcept;

  std::int64_t second_, nominal_, slots_;  // a second and a slot in units
  double gate_;
  bool has_frame_;
  std::int64_t hint_;
  PpsOptions options_;
  TrackedLine line_;
  Anchors anchors_;
  std::optional<std::int64_t> frame_, before_;
  std::int64_t first_slot_ = 0,
               seconds_ = 0;  // seconds since slot 0 (or the slot a pause ended with) at the newest pulse
  std::optional<SlotRange> unconfirmed_;
  double innovation_ = 0;
  std::uint64_t pulses_ = 0, missing_ = 0, rejected_ = 0;
};

}  // namespace nicol::detection
