// SPDX-License-Identifier: Apache-2.0
// The key store holds no key that a replay made.
// expect: PendingKey
#include "controller/distillation/replayed_key.hpp"
#include "controller/keystore/key_store.hpp"

using namespace nicol;

#ifdef CONTROL
using Given = distillation::PendingKey;
#else
using Given = distillation::ReplayedKey;
#endif

auto store_it(keystore::KeyStore& store, Given&& key) {
  return store.put(std::move(key), {}, {});  // must not compile
}
