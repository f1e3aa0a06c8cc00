// SPDX-License-Identifier: Apache-2.0
// Bits without a record have no way into the key store.
// expect: PendingKey
#include "controller/keystore/key_store.hpp"

using namespace nicol;

#ifdef CONTROL
using Given = distillation::PendingKey;
#else
using Given = secret::BitString;
#endif

auto store_it(keystore::KeyStore& store, Given&& key) {
  return store.put(std::move(key), {}, {});  // must not compile
}
