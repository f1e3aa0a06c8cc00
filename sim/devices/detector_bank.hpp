// SPDX-License-Identifier: Apache-2.0
// From absorbed photons to tags in order of time: dead time, dark counts, stray light, afterpulses, jitter, rate limit,
// and the sync and frame pulses that come along.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "drivers/hal/random.hpp"
#include "sim/devices/light.hpp"
#include "sim/scenario/scenario.hpp"

namespace nicol::sim {

/// A tag before the tagger: picoseconds of the rig. A withheld one opens a window in which the detector's rate limit
/// lets nothing through, until `until`.
struct RawTag {
  std::int64_t time = 0;
  std::int64_t until = 0;  // withheld only
  std::uint16_t channel = 0;
  bool withheld = false;
};

struct BankOptions {
  std::vector<DetectorModel> detectors;  // detector i is channel i; then sync (or pps), then frame
  std::vector<double> stray_hz;          // clicks of stray light, while the shutter is open
  std::uint64_t seed = 0;
  NodeId node = NodeId::bob;
  SyncType sync = SyncType::pulses;
};

class DetectorBank {
 public:
  explicit DetectorBank(BankOptions options);
  std::uint16_t sync_channel() const { return static_cast<std::uint16_t>(live_.size()); }
  std::uint16_t frame_channel() const { return static_cast<std::uint16_t>(live_.size() + 1); }

  /// Detectors are at rest again, noise starts at header.begin, sync and frame at header.slot_zero.
  void begin_block(const LightHeader& header);
  /// After a pause: noise goes on at header.begin, sync and frame with header.first_slot. Tags not handed on are gone.
  void resume_block(const LightHeader& header);
  void set_delays(std::span<const std::int64_t> by_channel);
  /// What of the detectors' pulses the channels see, and how often noise alone crosses.
  void set_thresholds(std::span<const Volts> by_channel);
  enum class Stray : std::uint8_t { blocked, falls };
  void set_live(std::uint32_t enabled_detectors, Stray stray);
  /// A photon that `detector` absorbs, if it is alive. Times up to `slack` before an earlier one are served as they
  /// come.
  void arrive(std::size_t detector, std::int64_t time) {
    if (time > next_noise_) run_noise(time);
    click(detector, time);
  }
  /// The block's first `slots` slots have left Alice: their sync pulses come. To be called before their photons.
  void expect_slots(std::uint64_t slots);
  /// No photon before `time` will follow.
  void advance(std::int64_t time) { run_noise(time); }
  /// Tags before this are complete when advance(time) has been called.
  std::int64_t complete_until(std::int64_t time) const { return time - earliest_; }
  /// How late a tag may come after its photon.
  std::int64_t latest() const { return latest_; }

  std::vector<RawTag>& tags() { return tags_; }

 private:
  struct Noise {  // a Poisson process
    CounterStream stream;
    double mean_gap = 0;  // ps
    std::int64_t next = 0;
    void step();
  };
  struct Live {
    DetectorModel model;
    std::int64_t dead = 0, blind_until = 0, window_end = 0;
    std::uint64_t window_clicks = 0, window_limit = 0;
    bool enabled = false;
    Noise dark, stray, line;
    double seen = 1;                        // of its pulses
    std::vector<std::int64_t> afterpulses;  // heap, earliest first
  };
  void click(std::size_t detector, std::int64_t time);
  void run_noise(std::int64_t until);
  void serve(std::size_t detector, std::int64_t until);
  void pulse_sync();
  void pulse_second();
  void begin_seconds();
  void find_next();
  std::int64_t jitter(const DetectorModel& model);
  void put(std::size_t channel, std::int64_t time, const Live* withheld_by);

  BankOptions options_;
  std::vector<Live> live_;
  std::vector<std::int64_t> delay_;
  std::int64_t earliest_ = 0, latest_ = 0;
  CounterStream stream_, sync_stream_, second_stream_;
  Stray stray_ = Stray::blocked;
  LightHeader block_;
  std::uint64_t sync_slot_ = 0;    // of the next sync pulse
  std::uint64_t frame_slot_ = 0;   // the slot that the frame marker comes with
  std::uint64_t known_slots_ = 0;  // slots that have left Alice
  std::int64_t next_noise_ = 0, next_sync_ = 0, next_second_ = 0;
  std::vector<RawTag> tags_;
};

}  // namespace nicol::sim
