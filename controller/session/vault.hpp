// SPDX-License-Identifier: Apache-2.0
// What a session asks of that which outlives it: keys, marks, pools, and the secrets of its tags. A key store stands
// behind it; a replay answers from a recording instead and holds no secret at all.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "controller/keystore/key_store.hpp"
#include "controller/session/frames.hpp"
#include "controller/session/wegman_carter.hpp"

namespace nicol::session {

/// The calls that KeyStore has too do what KeyStore says.
class Vault {
 public:
  using ByteSpan = std::span<const std::uint8_t>;
  using Settlement = keystore::KeyStore::Settlement;
  virtual ~Vault() = default;

  virtual keystore::Origin pool_class() = 0;
  virtual std::array<std::uint8_t, 16> preshared_fingerprint() = 0;
  virtual std::array<keystore::PoolStatus, 4> pools() = 0;
  virtual keystore::Marks marks() = 0;
  virtual std::optional<keystore::KeyStore::PendingInfo> pending() = 0;
  virtual std::vector<keystore::KeyStore::Remembered> remembered() = 0;
  virtual double cumulative_epsilon() = 0;
  /// The total epsilon of a key's record.
  virtual Result<double> epsilon_of(const keystore::KeyId& id) = 0;

  virtual Result<void> advance_marks(const keystore::Marks& peer, std::uint64_t reservation_bits) = 0;
  virtual Result<std::uint64_t> next_block() = 0;
  virtual Result<keystore::Interval> reserve(keystore::Pool pool, std::uint64_t bits) = 0;
  virtual Result<void> accept_reservation(keystore::Pool pool, keystore::Interval interval) = 0;
  virtual Result<void> put(keystore::PendingKey&& key, const keystore::Split& split, const Settlement& settlement) = 0;
  virtual Result<void> settle(const keystore::KeyId& id, keystore::Verdict verdict) = 0;
  virtual Result<void> remember(const keystore::KeyId& id, std::optional<keystore::Verdict::Kind> verdict,
                                const Settlement& settlement) = 0;
  virtual Result<void> forget(const keystore::KeyId& id) = 0;
  virtual Result<void> add_epsilon(double total) = 0;

  /// Bytes that no seed may shape: session ids, key ids.
  virtual void fill_from_os(std::span<std::byte> out) = 0;
  /// Key of a direction's running hash.
  virtual const secret::LockedKey& alpha(Direction direction) = 0;
  /// One-time tag of interval.size() bits; its pad is gone afterwards. refused when it was used before.
  virtual Result<std::vector<std::uint8_t>> tag(keystore::Pool pool, keystore::Interval pad,
                                                const RunningHash& hash) = 0;
  virtual Result<bool> verify(keystore::Pool pool, keystore::Interval pad, const RunningHash& hash, ByteSpan tag) = 0;
  /// The MAC of service, calibration and mark messages, and whether a received one is right (constant time).
  virtual std::array<std::uint8_t, 32> service_mac(const SessionId& session, Direction direction, ByteSpan frame) = 0;
  virtual bool service_mac_matches(const SessionId& session, Direction direction, ByteSpan frame, ByteSpan mac) = 0;
};

/// The store outlives it.
std::unique_ptr<Vault> vault_of(keystore::KeyStore& store);

}  // namespace nicol::session
