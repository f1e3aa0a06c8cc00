// SPDX-License-Identifier: Apache-2.0
// The offline half of a block: sifted bits of both sides, in one hand, through estimation, reconciliation, verification
// and length. It says what the key would have been and makes none: nothing is amplified.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "controller/detection/clicks.hpp"
#include "controller/distillation/amplification.hpp"
#include "controller/distillation/estimation.hpp"

namespace nicol::app {

struct OfflineResult {
  distillation::AbortReason abort = distillation::AbortReason::none;
  bool verified = false;  // the two raw keys agreed in the end
  distillation::BlockFacts facts;
  std::optional<distillation::LengthDecision> length;
  std::uint64_t parity_bits = 0, errors_corrected = 0;
  std::optional<double> f_ec;
};

/// Clicks of the same slots at both sides.
Result<OfflineResult> would_be_key(detection::Clicks&& alice, detection::Clicks&& bob,
                                   const distillation::LengthInputs& inputs, const sifting::SamplePlan& plan,
                                   Random& random);

/// Collects sifted pairs in locked memory and distils a block whenever one is full.
class OfflineBlocks {
 public:
  using Take = std::function<void(OfflineResult)>;
  OfflineBlocks(std::size_t bits, const distillation::LengthInputs& inputs, Take take);
  Result<void> add(std::uint8_t basis, bool alice, bool bob);
  /// The last block, full or not.
  Result<void> finish();

 private:
  void append_batch();
  std::size_t bits_;
  distillation::LengthInputs inputs_;
  Take take_;
  std::unique_ptr<Random> random_;
  secret::BitString batch_;  // 3 x 64 bits: bases, Alice's, Bob's
  std::size_t held_ = 0;
  secret::BitCollector bases_, bases_again_, alice_, bob_;
};

}  // namespace nicol::app
