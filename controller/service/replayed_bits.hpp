// SPDX-License-Identifier: Apache-2.0
// The sifted bits that a replay came to: whoever opens a recording can make them anyway.
#pragma once

#include <functional>
#include <vector>

#include "controller/sifting/sifting.hpp"

namespace nicol::service {

/// Of one block, both bases, in order of their places.
struct ReplayedBits {
  sifting::Side side = sifting::Side::alice;
  std::uint64_t index = 0;           // of the block, counted from the run's start
  std::vector<std::int64_t> places;  // slot numbers; of pairs, ps of Alice's clock as she told them
  secret::BitString bits;
};
using TakeBits = std::function<void(ReplayedBits)>;

/// As Tap::sifted has them.
ReplayedBits replayed_bits(std::uint64_t index, const sifting::DetectionList& list, const sifting::BasesReply& reply,
                           const sifting::SiftedBlock& block);

}  // namespace nicol::service
