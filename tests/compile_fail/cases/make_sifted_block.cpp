// SPDX-License-Identifier: Apache-2.0
// A SiftedBlock made by hand.
// expect: private
#include "controller/sifting/sifting.hpp"

using namespace nicol;

auto forge([[maybe_unused]] sifting::SiftedBlock&& real) {
#ifdef CONTROL
  return sifting::SiftedBlock(std::move(real));
#else
  return sifting::SiftedBlock();  // must not compile
#endif
}
