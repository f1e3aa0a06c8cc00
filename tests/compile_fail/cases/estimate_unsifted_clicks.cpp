// SPDX-License-Identifier: Apache-2.0
// Estimation of clicks whose bases nobody compared.
// expect: SiftedBlock
#include "controller/distillation/estimation.hpp"

using namespace nicol;

#ifdef CONTROL
using Given = sifting::SiftedBlock;
#else
using Given = detection::Clicks;
#endif

auto skip(Given&& block, const sifting::SampleCoins& coins, distillation::LengthInputs inputs) {
  return distillation::Estimation::start(std::move(block), coins, inputs);  // must not compile
}
