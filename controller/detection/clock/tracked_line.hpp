// SPDX-License-Identifier: Apache-2.0
// Slots as a line in stream time, corrected by measured phases: what recovery from clicks and a PPS have in common.
#pragma once

#include <cmath>
#include <cstdint>

#include "controller/detection/clock/anchors.hpp"
#include "controller/detection/clock/phase_filter.hpp"

namespace nicol::detection {

class TrackedLine {
 public:
  /// nominal: slot period in units of stream time; unit: seconds in one.
  TrackedLine(std::int64_t nominal, double unit, ClockNoise noise)
      : nominal_(static_cast<double>(nominal)), unit_(unit), filter_(noise) {}

  /// at.slot starts at at.time + beyond (units). Sigmas: seconds, relative.
  void start(Anchors::Anchor at, double beyond, double phase_sigma, double offset, double offset_sigma, double drift) {
    at_ = at;
    beyond_ = 0;
    move(beyond);
    filter_.start(phase_sigma, offset, offset_sigma, drift);
  }
  double period() const noexcept { return nominal_ * (1 + filter_.frequency()); }
  double unit() const noexcept { return unit_; }
  const PhaseFilter& filter() const noexcept { return filter_; }
  std::int64_t slot() const noexcept { return at_.slot; }
  std::int64_t time() const noexcept { return at_.time; }

  /// Slots, with their fraction, from slot() to time t.
  double slots_to(std::int64_t t) const noexcept {
    const double units = static_cast<double>(t - at_.time) - beyond_, seconds = units * unit_;
    return (units - filter_.drift() * seconds * seconds / 2 / unit_) / period();
  }
  /// When a slot starts, rounded to a unit.
  std::int64_t time_of(std::int64_t slot) const noexcept {
    const double units = static_cast<double>(slot - at_.slot) * period(), seconds = units * unit_;
    return at_.time + std::llround(beyond_ + units + filter_.drift() * seconds * seconds / 2 / unit_);
  }
  /// Goes on to a slot.
  void advance(std::int64_t slot) {
    const double units = static_cast<double>(slot - at_.slot) * period();
    const auto whole = static_cast<std::int64_t>(std::floor(units));
    at_ = {slot, at_.time + whole};
    move(units - static_cast<double>(whole) + filter_.predict(units * unit_) / unit_);
  }
  /// A measured phase error of the line at slot(), in seconds.
  void correct(double error, double sigma) { move(filter_.update(error, sigma) / unit_); }

  Anchors::Anchor anchor() const noexcept { return {at_.slot, at_.time + std::llround(beyond_)}; }
  /// The line from slot() on at the present rate.
  Stretch ahead() const noexcept {
    constexpr std::int64_t kSteps = std::int64_t{1} << 20;
    const Anchors::Anchor a = anchor();
    return {a.time, a.slot, std::llround(period() * static_cast<double>(kSteps)), kSteps};
  }

 private:
  void move(double units) noexcept {
    beyond_ += units;
    const double whole = std::floor(beyond_);
    at_.time += static_cast<std::int64_t>(whole);
    beyond_ -= whole;
  }

  double nominal_, unit_;
  PhaseFilter filter_;
  Anchors::Anchor at_;
  double beyond_ = 0;  // of a unit
};

}  // namespace nicol::detection
