// SPDX-License-Identifier: Apache-2.0
// The passkey of a Verdict, made outside the session.
// expect: private
#include "controller/distillation/blocks.hpp"

using namespace nicol;

#ifdef CONTROL
auto forge(distillation::Verdict::Passkey key) { return key; }
#else
auto forge() { return distillation::Verdict::Passkey(); }  // must not compile
#endif
