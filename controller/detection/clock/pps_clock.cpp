// SPDX-License-Identifier: Apache-2.0
// Pulses through the same filter as recovered phases.
#include "controller/detection/clock/pps_clock.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace nicol::detection {
namespace {

constexpr double kOutlier = 6;
constexpr int kLongestHoldover = 64;  // seconds

}  // namespace

PpsClock::PpsClock(const StreamTiming& unit, std::uint64_t slots, bool has_frame, std::int64_t hint, PpsOptions options)
    : second_(unit.from(Picoseconds{1'000'000'000'000})),
      nominal_(unit.period),
      slots_(static_cast<std::int64_t>(slots)),
      gate_(static_cast<double>(unit.gate)),
      has_frame_(has_frame),
      hint_(hint),
      options_(options),
      line_(unit.period, 1e-12 / static_cast<double>(unit.den), options.noise) {}

/// The last slot that begins in or before a second after the first one.
std::int64_t PpsClock::slot_before(std::int64_t second) const noexcept {
  return first_slot_ + static_cast<std::int64_t>(static_cast<Wide>(second) * second_ / nominal_);
}

void PpsClock::frame(std::int64_t t) noexcept {
  if (started() || frame_) {
    ++rejected_;
    return;
  }
  frame_ = t;
  if (before_ && t - *before_ <= second_ / 2) start(*before_);
}

void PpsClock::pps(std::int64_t t) {
  if (started()) return follow(t);
  before_ = t;
  if (has_frame_ ? frame_.has_value() : t >= hint_ - second_ / 2) start(t);
}

void PpsClock::start(std::int64_t t) {
  line_.start({first_slot_, t}, 0, options_.jitter, 0, options_.frequency, 0);
  anchors_.push(line_.anchor());
  seconds_ = 0;
  pulses_ = 1;
}

void PpsClock::follow(std::int64_t t) {
  const std::int64_t last = slot_before(seconds_);
  const double since = static_cast<double>(t - line_.time_of(last)) / (1 + line_.filter().frequency());
  const std::int64_t seconds = seconds_ + std::llround(since / static_cast<double>(second_));
  const std::int64_t slot = slot_before(seconds);
  if (seconds <= seconds_) {
    ++rejected_;
    return;
  }
  if (slot >= slots_) return;  // after the block
  TrackedLine ahead = line_;
  ahead.advance(slot);
  const auto within =
      static_cast<double>(static_cast<Wide>(seconds) * second_ - static_cast<Wide>(slot - first_slot_) * nominal_);
  const double error =
      (static_cast<double>(t - ahead.time_of(slot)) - within * (1 + ahead.filter().frequency())) * line_.unit();
  if (std::abs(error) > kOutlier * ahead.filter().expected(options_.jitter)) {
    ++rejected_;
    return;
  }
  innovation_ = error;
  const bool was_sharp = sharp(line_.filter());
  ahead.correct(error, options_.jitter);
  missing_ += static_cast<std::uint64_t>(seconds - seconds_ - 1);
  ++pulses_;
  seconds_ = seconds;
  if (!was_sharp || !sharp(ahead.filter())) {
    const auto from = static_cast<std::uint64_t>(line_.slot());
    unconfirmed_ = SlotRange{unconfirmed_ ? unconfirmed_->begin : from, static_cast<std::uint64_t>(slot)};
  }
  line_ = ahead;
  anchors_.push(line_.anchor());
}

void PpsClock::resume(std::uint64_t first_slot) noexcept {
  first_slot_ = static_cast<std::int64_t>(first_slot);
  anchors_.clear();
  frame_.reset();
  before_.reset();
}

std::optional<SlotRange> PpsClock::take_unconfirmed() noexcept { return std::exchange(unconfirmed_, {}); }

/// As far as the oscillator holds its phase by itself.
std::int64_t PpsClock::trusted_slots() const {
  PhaseFilter filter = line_.filter();
  int held = 0;
  for (; held < kLongestHoldover && sharp(filter); ++held) filter.predict(1);
  return line_.slot() + static_cast<std::int64_t>(static_cast<Wide>(std::max(held - 1, 0)) * second_ / nominal_);
}

bool PpsClock::over(std::int64_t pps_in) const noexcept { return pps_in > line_.time_of(slots_); }

ClockReport PpsClock::report() const {
  ClockReport r;
  r.tracking = started();
  r.locks = started() ? 1 : 0;
  r.windows = pulses_;
  const PhaseFilter& f = line_.filter();
  r.frequency = {f.frequency(), f.frequency_sigma()};
  r.drift = {f.drift(), f.drift_sigma()};
  r.phase = {innovation_, f.phase_sigma()};
  return r;
}

}  // namespace nicol::detection
