// SPDX-License-Identifier: Apache-2.0
// A Verdict by somebody who is not the session.
// expect: private
#include "controller/distillation/blocks.hpp"

using namespace nicol;

#ifdef CONTROL
auto forge(distillation::Verdict::Passkey key) {
  return distillation::Verdict(key, {}, distillation::Verdict::Kind::available);
}
#else
auto forge() {
  return distillation::Verdict({}, {}, distillation::Verdict::Kind::available);  // must not compile
}
#endif
