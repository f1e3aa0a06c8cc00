// SPDX-License-Identifier: Apache-2.0
// Secret bits in a std::string.
// expect: std::string|basic_string
#include "controller/secret/bit_string.hpp"

using namespace nicol;

#include <string>
#ifdef CONTROL
using Given = const char*;
#else
using Given = const secret::BitString&;
#endif

std::string print(Given bits) {
  return std::string(bits);  // must not compile
}
