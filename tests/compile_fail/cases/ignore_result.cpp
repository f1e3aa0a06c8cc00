// SPDX-License-Identifier: Apache-2.0
// A Result that nobody looks at.
// expect: nodiscard|ignoring return
#include "controller/sifting/sifting.hpp"

using namespace nicol;

#pragma GCC diagnostic error "-Wunused-result"
void careless(const sifting::SampleCoins& coins, const sifting::SiftedBlock& block) {
#ifdef CONTROL
  (void)sifting::check_coins(coins, block, {}).ok();
#else
  sifting::check_coins(coins, block, {});  // must not compile
#endif
}
