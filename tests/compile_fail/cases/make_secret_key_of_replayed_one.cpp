// SPDX-License-Identifier: Apache-2.0
// What api and export hand out is a SecretKey: no replay's key becomes one.
// expect: private|no matching
#include "controller/distillation/replayed_key.hpp"

using namespace nicol;

#ifdef CONTROL
using Given = distillation::SecretKey;
#else
using Given = distillation::ReplayedKey;
#endif

auto release(Given&& key) {
  return distillation::SecretKey(std::move(key));  // must not compile
}
