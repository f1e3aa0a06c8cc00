// SPDX-License-Identifier: Apache-2.0
// A key byte read outside a scope.
// expect: operator ?\[\]|subscript
#include "controller/secret/locked_key.hpp"

using namespace nicol;

std::byte first(const secret::LockedKey& key) {
#ifdef CONTROL
  return key.with_read([](std::span<const std::byte> bytes) { return bytes[0]; });
#else
  return key[0];  // must not compile
#endif
}
