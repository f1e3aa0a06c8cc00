// SPDX-License-Identifier: Apache-2.0
// Reconciliation of a block whose QBER nobody estimated.
// expect: EstimatedBlock
#include "controller/distillation/cascade.hpp"

using namespace nicol;

#ifdef CONTROL
using Given = distillation::EstimatedBlock;
#else
using Given = sifting::SiftedBlock;
#endif

auto skip(Given&& block, distillation::CascadePlan plan, secret::Arena& arena) {
  return distillation::CascadeCorrector::start(std::move(block), plan, arena);  // must not compile
}
