// SPDX-License-Identifier: Apache-2.0
// Both halves of a distillation in one hand: what two nodes do over a wire, done by a tool that holds both strings.
#pragma once

#include <functional>
#include <optional>

#include "controller/detection/clicks.hpp"
#include "controller/distillation/cascade.hpp"
#include "controller/distillation/estimation.hpp"

namespace nicol::app {

struct EstimatedPair {
  distillation::EstimatedBlock alice, bob;
};
struct PairEstimate {
  std::optional<EstimatedPair> blocks;  // empty: see abort
  distillation::AbortReason abort = distillation::AbortReason::none;
  distillation::BlockFacts facts;
};
using CoinsFor = std::function<sifting::SampleCoins(const sifting::SiftedBlock& alice)>;
/// Clicks of the same slots at both sides, sifted and estimated with these coins.
Result<PairEstimate> estimate_pair(detection::Clicks&& alice, detection::Clicks&& bob, const CoinsFor& coins,
                                   const distillation::LengthInputs& inputs);

struct ReconciledPair {
  distillation::ReconciledBlock alice, bob;
  std::uint64_t errors_corrected = 0, parity_bits = 0;
  std::uint32_t rounds = 0;  // one message each way
  double seconds = 0;        // both sides one after the other
};
Result<ReconciledPair> reconcile_pair(EstimatedPair&& blocks, const distillation::CascadePlan& plan);

}  // namespace nicol::app
