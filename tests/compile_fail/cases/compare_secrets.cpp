// SPDX-License-Identifier: Apache-2.0
// Secrets compared in a time that depends on them.
// expect: operator ?==|invalid operands
#include "controller/secret/bit_string.hpp"

using namespace nicol;

bool equal(const secret::BitString& a, const secret::BitString& b) {
#ifdef CONTROL
  return a.equal_ct(b);
#else
  return a == b;  // must not compile
#endif
}
