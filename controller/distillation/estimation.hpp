// SPDX-License-Identifier: Apache-2.0
// Sifted to estimated: samples compared, QBER known, the raw key separated. Interactive, resumable.
#pragma once

#include "controller/distillation/blocks.hpp"

namespace nicol::distillation {

enum class AbortReason : std::uint8_t { none, qber, too_few, no_proof };

/// start() discloses this side's sample (Ask); step() takes the peer's and gives the block, or why there is none.
class Estimation {
 public:
  static Result<Estimation> start(sifting::SiftedBlock&& block, const sifting::SampleCoins& coins, LengthInputs inputs);
  const PublicBits& ask() const { return mine_; }
  struct Done {
    std::optional<EstimatedBlock> block;  // empty when aborted
    AbortReason abort = AbortReason::none;
    BlockFacts facts;  // always filled, for the report
  };
  Result<Done> step(const PublicBits& peer) &&;

 private:
  Estimation(sifting::SiftedBlock&& block, const sifting::SampleCoins& coins, LengthInputs inputs);
  sifting::SiftedBlock block_;
  sifting::SampleCoins coins_;
  LengthInputs inputs_;
  PublicBits mine_;
};

}  // namespace nicol::distillation
