// SPDX-License-Identifier: Apache-2.0
// Nobody reads the bits of a replay's key.
// expect: has no member|no member named|private
#include "controller/distillation/replayed_key.hpp"

using namespace nicol;

#ifdef CONTROL
using Given = distillation::SecretKey;
#else
using Given = distillation::ReplayedKey;
#endif

auto look(const Given& key) {
  return key.bits().size();  // must not compile
}
