// SPDX-License-Identifier: Apache-2.0
// A bare bench behind an emulated board's pins: a lamp that can be looked at from outside, motors with kinematics, tags
// of which every one is known beforehand, and knobs for what may go wrong.
#pragma once

#include <array>
#include <deque>
#include <mutex>
#include <vector>

#include "sim/emulators/rig_hardware.hpp"

namespace nicol::sim {

enum class RigUnderrun : std::uint8_t {
  waits,  // an emulator's clock can wait for a late host
  fault   // as a real board's: slots leave in the board's time, and it runs dry
};
enum class RigMutant : std::uint8_t { none, ignores_moves, swaps_channels, echoes_target, forgets_thresholds };

fw::Description bench_description();

struct RigBenchOptions {
  fw::Description about = bench_description();
  RigUnderrun underrun = RigUnderrun::waits;
  RigMutant mutant = RigMutant::none;
  /// Above 0: a steady stream; tag i comes at tick i * tag_ticks() on channel i % channels.
  double tag_rate_hz = 0;
};

/// Thread-safe.
class RigBench final : public RigHardware {
 public:
  explicit RigBench(const RigBenchOptions& options = {});

  // From outside.
  bool emitting() const;
  bool shutter_open(std::size_t k) const;
  bool detector_on(std::size_t k) const;
  fw::Light light() const;
  std::uint64_t moves() const;  // MOVE and HOME carried out
  std::uint64_t runs() const;   // SOURCE_RUN carried out
  /// States of the slots that have left: bit 0 the bit, bit 1 the basis, bits 2 and 3 the intensity.
  std::vector<std::uint8_t> played() const;
  void set_interlock(fw::Loop loop);
  void set_key(fw::Loop loop);
  void set_hardware(fw::Done ok);                  // no: too hot, say
  void set_rate(std::size_t detector, double hz);  // clicks while it is on
  void drive_input(std::size_t k, fw::Switch to);
  void block_axis(std::size_t k);  // its next move stops half-way
  /// A burst: these tags stand in the FIFO at once, as far as it holds them; the others are lost.
  void make_tags(std::size_t count);
  std::uint64_t tag_ticks() const;  // between two tags
  std::uint64_t tags_lost() const;  // for want of room in the FIFO

  const fw::Description& description() const noexcept override { return options_.about; }
  std::uint64_t random() noexcept override;
  void power_cycle() noexcept override;
  void power_off() noexcept override;
  void tell_time(std::uint64_t now_ms) noexcept override;
  void emission(fw::Switch to) noexcept override;
  void light_level(fw::Light level) noexcept override;
  fw::Loop interlock() noexcept override;
  fw::Loop key_switch() noexcept override;
  fw::Done hardware_ok() noexcept override;
  fw::Done configure_source(const fw::SourceConfig& config) noexcept override;
  fw::Done queue_pattern(const fw::PatternChunk& chunk) noexcept override;
  void clear_pattern() noexcept override;
  fw::Done run_pattern(const fw::SourceRun& run) noexcept override;
  void stop_pattern() noexcept override;
  fw::SourceStatus source() noexcept override;
  void shutter(std::size_t k, fw::Gate to) noexcept override;
  fw::Gate shutter(std::size_t k) noexcept override;
  fw::Done start_move(std::size_t k, std::int64_t to) noexcept override;
  fw::Done start_home(std::size_t k) noexcept override;
  void hold(std::size_t k) noexcept override;
  fw::AxisState axis(std::size_t k) noexcept override;
  void detector(std::size_t k, fw::Switch to) noexcept override;
  fw::Switch detector(std::size_t k) noexcept override;
  std::uint64_t detector_events(std::size_t k) noexcept override;
  fw::Done detector_bias(std::size_t k, std::int64_t mv) noexcept override;
  std::int64_t detector_bias(std::size_t k) noexcept override;
  fw::Switch digital_in(std::size_t k) noexcept override;
  void digital_out(std::size_t k, fw::Switch to) noexcept override;
  fw::Switch digital_out(std::size_t k) noexcept override;
  std::int64_t temperature(std::size_t) noexcept override { return -40'000; }
  fw::Done configure_channel(std::size_t k, const fw::ChannelConfig& config) noexcept override;
  fw::ChannelConfig channel(std::size_t k) noexcept override;
  fw::ChannelCounters channel_counters(std::size_t k) noexcept override;
  void start_tags() noexcept override;
  void stop_tags() noexcept override;
  fw::TagRead read_tags(std::span<fw::Tag> into) noexcept override;
  std::uint64_t tick() noexcept override;

 private:
  static constexpr std::size_t kAxes = fw::Description::kMostAxes, kLines = 16;
  struct Motor {
    double from = 0, to = 0;
    std::uint64_t start_ms = 0, end_ms = 0;
    bool homed = false, homing = false, blocked = false;
  };
  struct Entry {
    std::uint64_t tick = 0, lost = 0;
    std::uint32_t channel = 0;
  };
  // All with mutex_ held:
  void play();
  void leave(std::uint64_t slots);
  double position(const Motor& motor) const;
  void go(std::size_t k, double to);
  std::uint64_t ticks_now() const;
  std::uint32_t channel_of(std::uint64_t tag) const;
  fw::TagRead read_steady(std::span<fw::Tag> into);
  fw::TagRead read_burst(std::span<fw::Tag> into);

  const RigBenchOptions options_;
  mutable std::mutex mutex_;  // guards all below
  std::uint64_t now_ms_ = 0, random_ = 0;
  unsigned power_cycles_ = 0;
  bool lamp_ = false;
  fw::Light light_ = fw::Light::off;
  fw::Loop interlock_ = fw::Loop::closed, key_ = fw::Loop::closed;
  fw::Done hardware_ = fw::Done::yes;
  bool was_open_ = false;  // since the firmware looked last: an interlock latches in hardware

  std::uint64_t slot_ps_ = 0;
  std::deque<std::uint8_t> pattern_;  // one state a slot
  std::vector<std::uint8_t> played_;
  fw::SourceStatus player_;
  std::uint64_t block_slots_ = 0, playing_since_ms_ = 0, left_since_ = 0;

  std::array<bool, kLines> shutters_{}, detectors_{}, inputs_{}, outputs_{};
  std::array<double, kLines> rates_{}, events_{};
  std::array<std::int64_t, kLines> bias_{};
  std::array<Motor, kAxes> motors_{};
  std::uint64_t moves_ = 0, runs_ = 0;

  std::array<fw::ChannelConfig, 12> channels_{};
  std::array<fw::ChannelCounters, 12> counters_{};
  bool tagging_ = false;
  std::uint64_t tags_since_ms_ = 0, made_ = 0, ahead_ = 0;  // ahead_: ticks that bursts have used up
  std::uint64_t lost_ = 0, stopped_at_ = 0;
  std::deque<Entry> fifo_;
};

}  // namespace nicol::sim
