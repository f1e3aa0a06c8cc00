// SPDX-License-Identifier: Apache-2.0
// The same verified block amplified twice.
// expect: deleted
#include "controller/distillation/blocks.hpp"

using namespace nicol;

auto twice([[maybe_unused]] distillation::VerifiedBlock& one) {
#ifdef CONTROL
  return distillation::VerifiedBlock(std::move(one));
#else
  return distillation::VerifiedBlock(one);  // must not compile
#endif
}
