// SPDX-License-Identifier: Apache-2.0
// Bob's side of the same: tags compared before errors are corrected.
// expect: ReconciledBlock
#include "controller/distillation/verification.hpp"

using namespace nicol;

#ifdef CONTROL
using Given = distillation::ReconciledBlock;
#else
using Given = sifting::SiftedBlock;
#endif

auto skip(Given&& block) {
  return distillation::check_verification(std::move(block), {});  // must not compile
}
