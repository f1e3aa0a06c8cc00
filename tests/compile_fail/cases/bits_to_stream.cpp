// SPDX-License-Identifier: Apache-2.0
// Secret bits on a stream.
// expect: operator ?<<|invalid operands
#include "controller/secret/bit_string.hpp"

using namespace nicol;

#include <ostream>
#ifdef CONTROL
using Given = std::size_t;
#else
using Given = const secret::BitString&;
#endif

void print(std::ostream& out, Given bits) {
  out << bits;  // must not compile
}
