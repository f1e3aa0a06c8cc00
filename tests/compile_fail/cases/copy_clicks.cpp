// SPDX-License-Identifier: Apache-2.0
// A second copy of a receiver's bases and bits.
// expect: deleted
#include "controller/detection/clicks.hpp"

using namespace nicol;

auto twice([[maybe_unused]] detection::Clicks& one) {
#ifdef CONTROL
  return detection::Clicks(std::move(one));
#else
  return detection::Clicks(one);  // must not compile
#endif
}
