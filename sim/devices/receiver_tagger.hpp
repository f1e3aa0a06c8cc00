// SPDX-License-Identifier: Apache-2.0
// Bob's tagger: takes the light off the fibre, through optics and detectors, into blocks of tags.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "sim/devices/compensator.hpp"
#include "sim/devices/detector.hpp"
#include "sim/devices/light_link.hpp"
#include "sim/devices/rate_meter.hpp"
#include "sim/devices/receiver_optics.hpp"
#include "sim/devices/shutter.hpp"
#include "sim/devices/tagger_base.hpp"

namespace nicol::sim {

/// What of Bob's bench decides over the light; all outlive the tagger's use.
struct ReceiverBench {
  RigClock* clock = nullptr;
  const Shutter* shutter = nullptr;
  const Motor* waveplate = nullptr;  // active receivers
  std::vector<const Detector*> detectors;
  CompensatorOptics compensator = {};
};

class ReceiverTagger final : public TaggerBase {
 public:
  ReceiverTagger(const Scenario& scenario, std::uint64_t seed, std::filesystem::path light, ReceiverBench bench);

  Result<void> start() override;
  Result<void> stop() override;
  hal::StreamStatus acquire(hal::TagBlock& block, Deadline deadline) noexcept override;
  void safe_state() noexcept override { running_ = false; }

  /// Clicks a second of a detector over the last stretch of light; what a Detector's rate() shows. Any thread.
  Hertz click_rate(std::size_t detector) const;

 private:
  hal::StreamStatus receive(Deadline deadline);
  hal::StreamStatus stay_dark(Deadline deadline) const;
  void keep_own_time();
  void process();

  const std::filesystem::path light_path_;
  const ReceiverBench bench_;
  const std::int64_t slack_;  // how long before its slot's start a photon can come, ps
  std::optional<LightReceiver> light_;
  LightBatch batch_;
  bool in_block_ = false;
  std::int64_t her_time_ = 0;  // end of the last batch by Alice's clock, ps
  std::int64_t ahead_ = 0;     // Bob's clock of hers, ps
  DetectorBank bank_;
  ReceiverOptics optics_;
  RateMeter rates_;
};

}  // namespace nicol::sim
