// SPDX-License-Identifier: Apache-2.0
// Verification of a block whose errors nobody corrected.
// expect: ReconciledBlock
#include "controller/distillation/verification.hpp"

using namespace nicol;

#ifdef CONTROL
using Given = distillation::ReconciledBlock;
#else
using Given = distillation::EstimatedBlock;
#endif

auto skip(Given&& block, Random& random) {
  return distillation::VerificationProver::start(std::move(block), random, 0);  // must not compile
}
