// SPDX-License-Identifier: Apache-2.0
// Bob's optics: which detector a photon goes to. Passive: a splitter chooses the basis; active: a motorised waveplate.
#pragma once

#include <array>
#include <vector>

#include "drivers/hal/random.hpp"
#include "sim/devices/detector_bank.hpp"
#include "sim/devices/light.hpp"
#include "sim/devices/motor.hpp"
#include "sim/optics/analyser.hpp"
#include "sim/scenario/scenario.hpp"

namespace nicol::sim {

/// The light already carries all loss up to the best detector (see SourceTables); here the others lose their share.
class ReceiverOptics {
 public:
  ReceiverOptics(const Scenario& scenario, std::uint64_t seed);
  void begin_block(std::uint32_t block);
  /// From now on so much of the light comes through what stands before.
  void dim(double transmittance) { transmittance_ = transmittance; }
  void passive(const LightBatch& batch, DetectorBank& bank);
  void active(const LightBatch& batch, const Motor& waveplate, DetectorBank& bank);

 private:
  void passive(const LightBatch& batch, std::size_t from, std::size_t to, DetectorBank& bank);
  void together(const LightBatch& batch, const LightGroup& group, DetectorBank& bank);
  void absorb(std::size_t detector, std::int64_t time, DetectorBank& bank);
  std::uint64_t seed_;
  CounterStream stream_;
  PolarisingSplitter splitter_;
  float constant_, slope_, diagonal_share_;
  std::vector<double> share_;  // of the best detector's efficiency
  bool all_alike_ = true;
  double transmittance_ = 1;
};

}  // namespace nicol::sim
