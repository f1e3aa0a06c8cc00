// SPDX-License-Identifier: Apache-2.0
// A second copy of a pending key.
// expect: deleted
#include "controller/distillation/blocks.hpp"

using namespace nicol;

auto twice([[maybe_unused]] distillation::PendingKey& one) {
#ifdef CONTROL
  return distillation::PendingKey(std::move(one));
#else
  return distillation::PendingKey(one);  // must not compile
#endif
}
