// SPDX-License-Identifier: Apache-2.0
// Alice's tagger beside a source of pairs: her detectors' clicks, and with them the time of the simulated world. Light
// flows while she asks for tags.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "sim/devices/detector.hpp"
#include "sim/devices/light_link.hpp"
#include "sim/devices/pair_emitter.hpp"
#include "sim/devices/rate_meter.hpp"
#include "sim/devices/shutter.hpp"
#include "sim/devices/tagger_base.hpp"

namespace nicol::sim {

/// Pairs made a second at an instant; nothing when the source does not say before the deadline.
using PairRate = std::function<std::optional<double>(Picoseconds, Deadline, const std::atomic<bool>& wanted)>;

/// What of Alice's bench decides over the light; all outlive the tagger's use.
struct PairBench {
  RigClock* clock = nullptr;
  PairRate pairs;
  const Shutter* shutter = nullptr;  // of her receiver, where the source is not hers
  std::vector<const Detector*> detectors;
  std::unique_ptr<LightSender> light;
  double speed = 0;
};

class PairTagger final : public TaggerBase {
 public:
  PairTagger(const Scenario& scenario, std::uint64_t seed, PairBench bench);

  /// Begins a run: dark, until Bob's tagger has come for the light. It comes again when his starts anew.
  Result<void> start() override;
  Result<void> stop() override;
  hal::StreamStatus acquire(hal::TagBlock& block, Deadline deadline) noexcept override;
  void safe_state() noexcept override { running_ = false; }

  /// Clicks a second of a detector over the last stretch of light; what a Detector's rate() shows. Any thread.
  Hertz click_rate(std::size_t detector) const { return rates_.rate(detector); }

 private:
  enum class Step : std::uint8_t { done, late };
  Step step(Deadline deadline);
  bool may_go_on(Deadline deadline);
  void start_batch();
  void click();
  Step send(Picoseconds until);
  bool in_pace(Deadline deadline) const;
  void last_stretch();

  const PairBench bench_;
  const Picoseconds slot_period_;
  const std::int64_t slack_;  // how long before its slot's start a photon can come, ps
  PairEmitter emitter_;
  DetectorBank bank_;
  RateMeter rates_;
  LightBatch batch_;
  std::vector<AliceArrival> arrivals_;
  std::uint32_t runs_ = 0;
  bool met_ = false;        // Bob's tagger has come for this run's light
  bool whole_cell_ = true;  // the next batch begins a cell
  std::chrono::steady_clock::time_point paced_from_;
  Picoseconds paced_rig_;
};

}  // namespace nicol::sim
