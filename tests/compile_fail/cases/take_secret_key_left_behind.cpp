// SPDX-License-Identifier: Apache-2.0
// A SecretKey's bits taken while the key stays in reach.
// expect: rvalue|discards|passing|not viable|lvalue
#include "controller/distillation/blocks.hpp"

using namespace nicol;

auto take(distillation::SecretKey& key) {
#ifdef CONTROL
  return std::move(key).take();
#else
  return key.take();  // must not compile
#endif
}
