// SPDX-License-Identifier: Apache-2.0
// A second copy of a secret key.
// expect: deleted
#include "controller/distillation/blocks.hpp"

using namespace nicol;

auto twice([[maybe_unused]] distillation::SecretKey& one) {
#ifdef CONTROL
  return distillation::SecretKey(std::move(one));
#else
  return distillation::SecretKey(one);  // must not compile
#endif
}
