// SPDX-License-Identifier: Apache-2.0
// Eve at work, between Alice's output and the fibre: she measures a photon's slot and sends on what she saw.
#pragma once

#include <cstddef>
#include <cstdint>

#include "drivers/hal/random.hpp"
#include "sim/eve/eve.hpp"

namespace nicol::sim {

/// (s1, s2, s3) of one photon.
struct PhotonState {
  float s1 = 0, s2 = 0, s3 = 0;
};

/// Draws from her own stream, a fixed number of words a slot and photon, so that a run with her and the same run
/// without share every other draw.
class Attack {
 public:
  Attack(const EveOptions& options, std::uint64_t seed);
  bool active() const { return options_.kind != EveKind::none && options_.fraction > 0; }
  void begin_block(std::uint32_t block);
  /// All photons of one slot, in place. Slots in increasing order.
  void meet(std::uint64_t slot, PhotonState* photons, std::size_t count);
  const EveRecord& record() const { return record_; }

 private:
  EveOptions options_;
  std::uint64_t seed_;
  std::uint32_t block_ = 0;
  CounterStream stream_;
  EveRecord record_;
};

}  // namespace nicol::sim
