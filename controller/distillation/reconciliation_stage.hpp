// SPDX-License-Identifier: Apache-2.0
// The only hands that open an EstimatedBlock and close a ReconciledBlock. Included by reconciliation algorithms alone.
#pragma once

#include <utility>

#include "controller/distillation/blocks.hpp"

namespace nicol::distillation {

struct ReconciliationStage {
  struct Parts {
    BitString raw;
    BlockFacts facts;
  };
  static Parts open(EstimatedBlock&& block) { return {std::move(block.raw_), std::move(block.facts_)}; }
  static ReconciledBlock close(Parts parts) { return ReconciledBlock(std::move(parts.raw), std::move(parts.facts)); }

  /// One round of a two-way algorithm, the same entries on both sides: Alice's parities, and Bob's reactions to them,
  /// which are functions of the error string (DESIGN 6.6: cost 0).
  static void record(LeakLedger& ledger, std::uint64_t parities) {
    ledger.add(sifting::LeakClass::reconciliation, parities, parities);
    ledger.add(sifting::LeakClass::answers, parities, 0);
  }
};

}  // namespace nicol::distillation
