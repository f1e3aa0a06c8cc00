// SPDX-License-Identifier: Apache-2.0
// A ReconciledBlock made by hand.
// expect: private
#include "controller/distillation/blocks.hpp"

using namespace nicol;

auto forge([[maybe_unused]] distillation::ReconciledBlock&& real) {
#ifdef CONTROL
  return distillation::ReconciledBlock(std::move(real));
#else
  return distillation::ReconciledBlock(secret::BitString(64), distillation::BlockFacts{});  // must not compile
#endif
}
