// SPDX-License-Identifier: Apache-2.0
// The same raw key distilled twice.
// expect: deleted
#include "controller/sifting/sifting.hpp"

using namespace nicol;

auto twice([[maybe_unused]] sifting::SiftedBlock& one) {
#ifdef CONTROL
  return sifting::SiftedBlock(std::move(one));
#else
  return sifting::SiftedBlock(one);  // must not compile
#endif
}
