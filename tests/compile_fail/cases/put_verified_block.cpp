// SPDX-License-Identifier: Apache-2.0
// The key store holds PendingKeys only.
// expect: PendingKey
#include "controller/keystore/key_store.hpp"

using namespace nicol;

#ifdef CONTROL
using Given = distillation::PendingKey;
#else
using Given = distillation::VerifiedBlock;
#endif

auto store_it(keystore::KeyStore& store, Given&& key) {
  return store.put(std::move(key), {}, {});  // must not compile
}
