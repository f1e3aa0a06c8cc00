// SPDX-License-Identifier: Apache-2.0
// A EstimatedBlock made by hand.
// expect: private
#include "controller/distillation/blocks.hpp"

using namespace nicol;

auto forge([[maybe_unused]] distillation::EstimatedBlock&& real) {
#ifdef CONTROL
  return distillation::EstimatedBlock(std::move(real));
#else
  return distillation::EstimatedBlock(secret::BitString(64), distillation::BlockFacts{});  // must not compile
#endif
}
