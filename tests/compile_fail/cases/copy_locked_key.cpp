// SPDX-License-Identifier: Apache-2.0
// A second copy of a key.
// expect: deleted
#include "controller/secret/locked_key.hpp"

using namespace nicol;

auto twice([[maybe_unused]] secret::LockedKey& one) {
#ifdef CONTROL
  return secret::LockedKey(std::move(one));
#else
  return secret::LockedKey(one);  // must not compile
#endif
}
