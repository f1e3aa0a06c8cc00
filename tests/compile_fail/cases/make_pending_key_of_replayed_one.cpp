// SPDX-License-Identifier: Apache-2.0
// There is no way back from a replay's key to one that could be stored.
// expect: private|no matching
#include "controller/distillation/replayed_key.hpp"

using namespace nicol;

#ifdef CONTROL
using Given = distillation::PendingKey;
#else
using Given = distillation::ReplayedKey;
#endif

auto back(Given&& key) {
  return distillation::PendingKey(std::move(key));  // must not compile
}
