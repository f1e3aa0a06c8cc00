// SPDX-License-Identifier: Apache-2.0
// The quantum channel as it stands at an instant: how it turns polarisation and how much it lets through.
#pragma once

#include <cstdint>

#include "drivers/hal/random.hpp"
#include "drivers/hal/units.hpp"
#include "sim/optics/polarisation.hpp"
#include "sim/scenario/scenario.hpp"

namespace nicol::sim {

/// Drift, jumps and fading move in steps of rig time; step k is drawn from stream k, so the channel at t is the same
/// whoever asks when. Time must not go back.
class Channel {
 public:
  /// `node` tells the drift of one fibre from that of another.
  Channel(const Scenario::Channel& channel, std::uint64_t seed, NodeId node = NodeId::world);
  void advance(Picoseconds t);
  const SphereRotation& rotation() const { return rotation_; }
  /// Between Alice's output and Bob's entrance.
  double transmittance() const;
  /// Until when it stays as it is; far future where nothing moves.
  Picoseconds constant_until() const;
  /// Grows whenever something changed.
  std::uint64_t version() const { return step_; }

 private:
  void take_step();
  Scenario::Channel model_;
  std::uint64_t seed_;
  NodeId node_;
  std::int64_t step_length_ = 0;  // ps, 0: nothing ever moves
  std::uint64_t step_ = 0;
  SphereRotation rotation_;
  double fading_ = 0;  // standard normal
};

}  // namespace nicol::sim
