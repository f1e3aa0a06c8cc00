// SPDX-License-Identifier: Apache-2.0
// A PendingKey made by hand.
// expect: private
#include "controller/distillation/blocks.hpp"

using namespace nicol;

auto forge([[maybe_unused]] distillation::PendingKey&& real) {
#ifdef CONTROL
  return distillation::PendingKey(std::move(real));
#else
  return distillation::PendingKey(secret::BitString(64), distillation::KeyRecord{});  // must not compile
#endif
}
