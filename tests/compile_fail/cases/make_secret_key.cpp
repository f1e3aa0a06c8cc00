// SPDX-License-Identifier: Apache-2.0
// A SecretKey made by hand.
// expect: private
#include "controller/distillation/blocks.hpp"

using namespace nicol;

auto forge([[maybe_unused]] distillation::SecretKey&& real) {
#ifdef CONTROL
  return distillation::SecretKey(std::move(real));
#else
  return distillation::SecretKey(secret::BitString(64));  // must not compile
#endif
}
