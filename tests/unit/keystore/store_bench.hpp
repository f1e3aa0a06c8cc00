// SPDX-License-Identifier: Apache-2.0
// A state folder to break: pre-shared key, stores, keys with known bits, verdicts.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "controller/keystore/key_store.hpp"
#include "tests/support/folder.hpp"

// The two makers that the stages' types befriend; here they make keys and verdicts out of nothing. The functions have
// names of their own, so that the real makers can be linked beside them.
namespace nicol::distillation {
struct AmplificationStage {
  static PendingKey pending_for_test(secret::BitString bits, KeyRecord record) {
    return PendingKey(std::move(bits), std::move(record));
  }
};
}  // namespace nicol::distillation
namespace nicol::session {
class VerdictIssuer {
 public:
  static distillation::Verdict verdict_for_test(distillation::KeyId id, distillation::Verdict::Kind kind) {
    return distillation::Verdict(distillation::Verdict::Passkey(), id, kind);
  }
};
}  // namespace nicol::session

namespace nicol::keystore::test {

namespace fs = std::filesystem;

inline KeyId id_of(std::uint8_t n) {
  KeyId id;
  id.bytes.fill(n);
  return id;
}
inline Verdict available(const KeyId& id) {
  return session::VerdictIssuer::verdict_for_test(id, Verdict::Kind::available);
}
inline Verdict destroyed(const KeyId& id) {
  return session::VerdictIssuer::verdict_for_test(id, Verdict::Kind::destroyed);
}

/// Bit k of the key numbered n: a hash, so that a wrong offset shows.
inline bool key_bit(std::uint8_t n, std::uint64_t k) {
  std::uint64_t x = k * 0x9e3779b97f4a7c15u + n * 0xd1342543de82ef95u + 1;
  x ^= x >> 29;
  x *= 0xbf58476d1ce4e5b9u;
  return ((x >> 40) & 1) != 0;
}

inline KeyRecord record_of(std::uint8_t n, std::uint64_t bits) {
  KeyRecord record;
  record.id = id_of(n);
  record.block = n;
  record.secret_bits = bits;
  record.check = 0xc0ffee00u + n;
  return record;
}
inline PendingKey pending_key(std::uint8_t n, std::uint64_t bits) {
  secret::PublicBits known(bits);
  for (std::uint64_t k = 0; k < bits; ++k) known.set(k, key_bit(n, k));
  return distillation::AmplificationStage::pending_for_test(secret::BitString::from_public(known), record_of(n, bits));
}

inline std::vector<bool> bits_of(const secret::LockedKey& key, std::uint64_t count) {
  std::vector<bool> bits;
  key.with_read([&](std::span<const std::byte> s) {
    for (std::uint64_t k = 0; k < count; ++k)
      bits.push_back(((std::to_integer<unsigned>(s[k / 8]) >> (k % 8)) & 1) != 0);
  });
  return bits;
}
inline std::vector<bool> key_bits(std::uint8_t n, std::uint64_t first, std::uint64_t count) {
  std::vector<bool> bits;
  for (std::uint64_t k = first; k < first + count; ++k) bits.push_back(key_bit(n, k));
  return bits;
}

/// A folder of its own, gone afterwards, with one pre-shared key in it.
class Bench {
 public:
  explicit Bench(PresharedKeyPlan plan = {.pool_class = Origin::simulated, .plan = {.auth_high_water = 8192}}) {
    EXPECT_TRUE(write_preshared_key(psk(), plan).ok());
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  fs::path root() const { return root_.path(); }
  fs::path psk() const { return root_ / "preshared.key"; }
  fs::path state(const std::string& node = "alice") const { return root_ / node; }

  Result<std::unique_ptr<KeyStore>> try_open(const std::string& node = "alice", FaultPoint fault = {}) const {
    return KeyStore::open(state(node), psk(), {.plan = {}, .fault = std::move(fault)});
  }
  std::unique_ptr<KeyStore> open(const std::string& node = "alice", FaultPoint fault = {}) const {
    auto store = try_open(node, std::move(fault));
    if (!store) throw std::runtime_error(describe(store.error()));
    return std::move(store).value();
  }

 private:
  nicol::test::Folder root_;
};

/// Stores key n as AVAILABLE with this cut.
inline void add_key(KeyStore& store, std::uint8_t n, const Split& split) {
  const std::uint64_t bits = split.pools[0] + split.pools[1] + split.pools[2] + split.pools[3] + split.delivery;
  const auto put = store.put(pending_key(n, bits), split, {});
  ASSERT_TRUE(put.ok()) << describe(put.error());
  const auto settled = store.settle(id_of(n), available(id_of(n)));
  ASSERT_TRUE(settled.ok()) << describe(settled.error());
}

inline PoolStatus status(const KeyStore& store, Pool pool) { return store.pools()[static_cast<std::size_t>(pool)]; }

/// The error's code, or internal and a failure when there was none.
template <class T>
Code code_of(const Result<T>& result) {
  EXPECT_FALSE(result.ok());
  return result.ok() ? Code::internal : result.error().code;
}

}  // namespace nicol::keystore::test
