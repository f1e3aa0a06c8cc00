// SPDX-License-Identifier: Apache-2.0
// The bits of a key that is not settled.
// expect: private
#include "controller/distillation/blocks.hpp"

using namespace nicol;

auto read(distillation::PendingKey& key) {
#ifdef CONTROL
  return key.record().secret_bits;
#else
  return std::move(key.bits_);  // must not compile
#endif
}
