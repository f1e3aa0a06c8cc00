// SPDX-License-Identifier: Apache-2.0
// A second copy of secret bits.
// expect: deleted
#include "controller/secret/bit_string.hpp"

using namespace nicol;

auto twice([[maybe_unused]] secret::BitString& one) {
#ifdef CONTROL
  return secret::BitString(std::move(one));
#else
  return secret::BitString(one);  // must not compile
#endif
}
