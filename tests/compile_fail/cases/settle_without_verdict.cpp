// SPDX-License-Identifier: Apache-2.0
// A key settled on somebody's word instead of a Verdict.
// expect: Verdict
#include "controller/keystore/key_store.hpp"

using namespace nicol;

#ifdef CONTROL
using Word = distillation::Verdict;
#else
using Word = distillation::Verdict::Kind;
#endif

auto settle(keystore::KeyStore& store, const distillation::KeyId& id, Word word) {
  return store.settle(id, word);  // must not compile
}
