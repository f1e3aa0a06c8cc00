// SPDX-License-Identifier: Apache-2.0
// Lamp, loops, shutters, detectors, pins, motors. Pattern and tags are in rig_bench_streams.cpp.
#include "sim/emulators/rig_bench.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace nicol::sim {
namespace {

constexpr std::uint64_t kHomingMs = 300;

fw::Switch as_switch(bool on) { return on ? fw::Switch::on : fw::Switch::off; }

}  // namespace

fw::Description bench_description() {
  fw::Description d;
  d.serial = fw::Text("NIC001");
  d.model = fw::Text("emulated rig board");
  d.firmware = fw::Text("reference");
  d.tagger = {8, 1, 1, 1, 10'000'000, 65536, 40, 5000};
  d.axes[0] = {143360, 360, 90'000, 0};
  d.axes[1] = {1000, 1, 90'000, 170'000};
  d.axis_count = 2;
  d.source = {50'000, 1'000'000'000, std::uint32_t{1} << 16, 1, true, true};
  d.shutters = 2;
  d.self_closing_shutters = 1;
  d.digital_inputs = d.digital_outputs = 4;
  d.thermistors = 4;
  d.detectors = {4, 1'000'000};
  return d;
}

RigBench::RigBench(const RigBenchOptions& options) : options_(options) {}

bool RigBench::emitting() const {
  const std::lock_guard lock(mutex_);
  return lamp_;
}
bool RigBench::shutter_open(std::size_t k) const {
  const std::lock_guard lock(mutex_);
  return shutters_[k];
}
bool RigBench::detector_on(std::size_t k) const {
  const std::lock_guard lock(mutex_);
  return detectors_[k];
}
fw::Light RigBench::light() const {
  const std::lock_guard lock(mutex_);
  return light_;
}
std::uint64_t RigBench::moves() const {
  const std::lock_guard lock(mutex_);
  return moves_;
}
void RigBench::set_interlock(fw::Loop loop) {
  const std::lock_guard lock(mutex_);
  interlock_ = loop;
  was_open_ = was_open_ || loop == fw::Loop::open;
}
void RigBench::set_key(fw::Loop loop) {
  const std::lock_guard lock(mutex_);
  key_ = loop;
}
void RigBench::set_hardware(fw::Done ok) {
  const std::lock_guard lock(mutex_);
  hardware_ = ok;
}
fw::Done RigBench::hardware_ok() noexcept {
  const std::lock_guard lock(mutex_);
  return hardware_;
}
void RigBench::set_rate(std::size_t detector, double hz) {
  const std::lock_guard lock(mutex_);
  rates_[detector] = hz;
}
void RigBench::drive_input(std::size_t k, fw::Switch to) {
  const std::lock_guard lock(mutex_);
  inputs_[k] = to == fw::Switch::on;
}
void RigBench::block_axis(std::size_t k) {
  const std::lock_guard lock(mutex_);
  motors_[k].blocked = true;
}

std::uint64_t RigBench::random() noexcept {
  const std::lock_guard lock(mutex_);
  return ++random_ * 0x9E3779B97F4A7C15;
}

void RigBench::power_cycle() noexcept {
  const std::lock_guard lock(mutex_);
  ++power_cycles_;
  lamp_ = false;
  light_ = fw::Light::off;
  pattern_.clear();
  player_ = {};
  shutters_ = detectors_ = outputs_ = {};
  bias_ = {};
  for (Motor& motor : motors_) {
    motor.from = motor.to = position(motor);
    motor.homed = false;
  }
  channels_ = {};
  tagging_ = false;
  fifo_.clear();
}

/// What springs back springs back; a shutter without a spring stays where it is.
void RigBench::power_off() noexcept {
  const std::lock_guard lock(mutex_);
  lamp_ = false;
  detectors_ = outputs_ = {};
  for (std::size_t k = 0; k < options_.about.shutters; ++k)
    shutters_[k] = shutters_[k] && (options_.about.self_closing_shutters >> k & 1) == 0;
}

void RigBench::tell_time(std::uint64_t now_ms) noexcept {
  const std::lock_guard lock(mutex_);
  const double seconds = static_cast<double>(now_ms - now_ms_) * 1e-3;
  for (std::size_t k = 0; k < kLines; ++k)
    if (detectors_[k]) events_[k] += rates_[k] * seconds;
  now_ms_ = now_ms;
  play();
}

void RigBench::emission(fw::Switch to) noexcept {
  const std::lock_guard lock(mutex_);
  lamp_ = to == fw::Switch::on;
}
void RigBench::light_level(fw::Light level) noexcept {
  const std::lock_guard lock(mutex_);
  light_ = level;
}
fw::Loop RigBench::interlock() noexcept {
  const std::lock_guard lock(mutex_);
  return std::exchange(was_open_, false) ? fw::Loop::open : interlock_;
}
fw::Loop RigBench::key_switch() noexcept {
  const std::lock_guard lock(mutex_);
  return key_;
}

void RigBench::shutter(std::size_t k, fw::Gate to) noexcept {
  const std::lock_guard lock(mutex_);
  shutters_[k] = to == fw::Gate::open;
}
fw::Gate RigBench::shutter(std::size_t k) noexcept {
  const std::lock_guard lock(mutex_);
  return shutters_[k] ? fw::Gate::open : fw::Gate::closed;
}

void RigBench::detector(std::size_t k, fw::Switch to) noexcept {
  const std::lock_guard lock(mutex_);
  detectors_[k] = to == fw::Switch::on;
}
fw::Switch RigBench::detector(std::size_t k) noexcept {
  const std::lock_guard lock(mutex_);
  return as_switch(detectors_[k]);
}
std::uint64_t RigBench::detector_events(std::size_t k) noexcept {
  const std::lock_guard lock(mutex_);
  return static_cast<std::uint64_t>(events_[k]);
}
fw::Done RigBench::detector_bias(std::size_t k, std::int64_t mv) noexcept {
  const std::lock_guard lock(mutex_);
  if (mv < 0 || mv > 60'000) return fw::Done::no;
  bias_[k] = mv;
  return fw::Done::yes;
}
std::int64_t RigBench::detector_bias(std::size_t k) noexcept {
  const std::lock_guard lock(mutex_);
  return bias_[k];
}

fw::Switch RigBench::digital_in(std::size_t k) noexcept {
  const std::lock_guard lock(mutex_);
  return as_switch(inputs_[k]);
}
void RigBench::digital_out(std::size_t k, fw::Switch to) noexcept {
  const std::lock_guard lock(mutex_);
  outputs_[k] = to == fw::Switch::on;
}
fw::Switch RigBench::digital_out(std::size_t k) noexcept {
  const std::lock_guard lock(mutex_);
  return as_switch(outputs_[k]);
}

// ---- motors ----

double RigBench::position(const Motor& motor) const {
  if (now_ms_ >= motor.end_ms || motor.end_ms == motor.start_ms) return motor.to;
  const double share =
      static_cast<double>(now_ms_ - motor.start_ms) / static_cast<double>(motor.end_ms - motor.start_ms);
  return motor.from + share * (motor.to - motor.from);
}

void RigBench::go(std::size_t k, double to) {
  Motor& motor = motors_[k];
  const fw::AxisInfo& about = options_.about.axes[k];
  const double counts_per_ms = about.max_speed_mdeg * 1e-6 * about.counts_num / about.counts_den;
  motor.from = position(motor);
  motor.to = std::exchange(motor.blocked, false) ? (motor.from + to) / 2 : to;
  motor.start_ms = now_ms_;
  motor.end_ms = now_ms_ + static_cast<std::uint64_t>(std::abs(motor.to - motor.from) / counts_per_ms) + 1;
  ++moves_;
}

fw::Done RigBench::start_move(std::size_t k, std::int64_t to) noexcept {
  const std::lock_guard lock(mutex_);
  const fw::AxisInfo& about = options_.about.axes[k];
  const double most = about.travel_mdeg * 1e-3 * about.counts_num / about.counts_den;
  if (about.travel_mdeg != 0 && (to < 0 || static_cast<double>(to) > most + 1)) return fw::Done::no;
  if (options_.mutant == RigMutant::ignores_moves) return fw::Done::yes;
  go(k, static_cast<double>(to));
  return fw::Done::yes;
}

fw::Done RigBench::start_home(std::size_t k) noexcept {
  const std::lock_guard lock(mutex_);
  Motor& motor = motors_[k];
  motor.from = position(motor);
  motor.to = 0;
  motor.start_ms = now_ms_;
  motor.end_ms = now_ms_ + kHomingMs;
  motor.homed = false;
  motor.homing = true;
  ++moves_;
  return fw::Done::yes;
}

void RigBench::hold(std::size_t k) noexcept {
  const std::lock_guard lock(mutex_);
  Motor& motor = motors_[k];
  if (now_ms_ >= motor.end_ms) return;
  motor.from = motor.to = position(motor);
  motor.end_ms = now_ms_;
  motor.homing = false;
}

fw::AxisState RigBench::axis(std::size_t k) noexcept {
  const std::lock_guard lock(mutex_);
  Motor& motor = motors_[k];
  const bool moving = now_ms_ < motor.end_ms;
  if (!moving && std::exchange(motor.homing, false)) motor.homed = true;
  const bool echoes = options_.mutant == RigMutant::echoes_target;
  return {std::llround(echoes ? motor.to : position(motor)), moving && !echoes, motor.homed, false};
}

}  // namespace nicol::sim
