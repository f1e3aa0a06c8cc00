// SPDX-License-Identifier: Apache-2.0
// A VerifiedBlock made by hand.
// expect: private
#include "controller/distillation/blocks.hpp"

using namespace nicol;

auto forge([[maybe_unused]] distillation::VerifiedBlock&& real) {
#ifdef CONTROL
  return distillation::VerifiedBlock(std::move(real));
#else
  return distillation::VerifiedBlock(secret::BitString(64), distillation::BlockFacts{});  // must not compile
#endif
}
