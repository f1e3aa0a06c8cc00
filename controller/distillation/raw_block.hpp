// SPDX-License-Identifier: Apache-2.0
// For `nicol tool reconcile`, the bench and tests: strings that never were light enter the chain here, with facts of
// their own. No protocol code includes this.
#pragma once

#include "controller/distillation/blocks.hpp"

namespace nicol::distillation {

EstimatedBlock block_of_raw_bits(BitString raw, BlockFacts facts = {});

}  // namespace nicol::distillation
