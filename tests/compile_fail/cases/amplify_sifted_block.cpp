// SPDX-License-Identifier: Apache-2.0
// Privacy amplification of a SiftedBlock: verification skipped.
// expect: VerifiedBlock
#include "controller/distillation/amplification.hpp"

using namespace nicol;

#ifdef CONTROL
using Given = distillation::VerifiedBlock;
#else
using Given = sifting::SiftedBlock;
#endif

auto skip(Given&& block, const distillation::LengthDecision& length, const secret::PublicBits& seed,
          secret::Arena& arena) {
  return distillation::amplify(std::move(block), length, seed, {}, arena);  // must not compile
}
