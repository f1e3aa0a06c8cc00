// SPDX-License-Identifier: Apache-2.0
// The one-time pad takes its bits from the store's loans: a replay's key is none.
// expect: cannot convert|no viable|could not convert
#include "controller/distillation/replayed_key.hpp"
#include "controller/keystore/key_store.hpp"

using namespace nicol;

#ifdef CONTROL
using Given = secret::LockedKey;
#else
using Given = distillation::ReplayedKey;
#endif

auto lend(Given&& key) {
  return keystore::KeyStore::PadLoan{{0, 8}, std::move(key)};  // must not compile
}
