// SPDX-License-Identifier: Apache-2.0
// Alice's side of reconciliation before estimation.
// expect: EstimatedBlock
#include "controller/distillation/cascade.hpp"

using namespace nicol;

#ifdef CONTROL
using Given = distillation::EstimatedBlock;
#else
using Given = sifting::SiftedBlock;
#endif

auto skip(Given&& block, distillation::CascadePlan plan, secret::Arena& arena) {
  return distillation::CascadeAnswerer::start(std::move(block), plan, arena);  // must not compile
}
