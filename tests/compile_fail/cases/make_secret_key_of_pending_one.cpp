// SPDX-License-Identifier: Apache-2.0
// A PendingKey turned into a SecretKey without a verdict.
// expect: private|no matching
#include "controller/distillation/blocks.hpp"

using namespace nicol;

#ifdef CONTROL
using Given = distillation::SecretKey;
#else
using Given = distillation::PendingKey;
#endif

auto release(Given&& key) {
  return distillation::SecretKey(std::move(key));  // must not compile
}
