// SPDX-License-Identifier: Apache-2.0
// Inside the key store: what it holds in memory, and the steps that its public functions are made of.
#pragma once

#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "controller/keystore/bits_file.hpp"
#include "controller/keystore/files.hpp"
#include "controller/keystore/intervals.hpp"
#include "controller/keystore/key_file.hpp"
#include "controller/keystore/marks_file.hpp"
#include "controller/keystore/preshared.hpp"
#include "controller/keystore/sealing.hpp"

namespace nicol::keystore {

using secret::BitString;

/// The pre-shared key's pools are kept like those of a key; no real key has this id.
inline constexpr KeyId kPresharedId{};
inline constexpr std::size_t kMostOpenReservations = 256;

/// A key (or the pre-shared key) and its file of bits.
struct Owner {
  KeyInfo info;
  std::array<std::uint64_t, 4> begins{};
  KeyStore::Settlement settlement;
  bool on_disk = false;  // its bits
  std::array<std::vector<bool>, kSections> erased;

  bool preshared() const { return info.id == kPresharedId; }
  bool feeds_pools() const { return info.state == KeyState::available || info.state == KeyState::delivered; }
  Interval part(Pool pool) const {
    const auto p = static_cast<std::size_t>(pool);
    return {begins[p], begins[p] + info.split.pools[p]};
  }
};

Owner owner_of(const KeyFile& key);

/// What a store is, fixed once it is open.
struct Identity {
  Origin pool_class = Origin::simulated;
  PoolPlan plan;
  Fingerprint fingerprint{};
};

struct KeyStore::Impl {
  Impl(Fd lock, Folder home_folder, Folder key_folder, Sealer seal, Identity who, SessionKeys session,
       MarksFile::Loaded loaded)
      : lock_file(std::move(lock)),
        store(std::move(home_folder)),
        keys(std::move(key_folder)),
        sealer(std::move(seal)),
        identity(who),
        session_keys(std::move(session)),
        marks(std::move(loaded.file)),
        ledger(std::move(loaded.ledger)) {}

  Fd lock_file;
  Folder store, keys;
  Sealer sealer;
  Identity identity;
  SessionKeys session_keys;
  MarksFile marks;

  mutable std::mutex mutex;  // guards everything below
  Ledger ledger;
  std::map<KeyId, Owner> owners;
  std::array<IntervalSet, 4> open;  // positions that take_pad may still hand out
  std::optional<Error> dead;        // after a failed sync

  // store_open.cpp
  Result<void> load_keys();
  Result<void> load_key(const std::string& name);
  Result<void> finish_destroyed(const KeyId& id);
  void drop_leftovers(const std::vector<std::string>& names);
  Result<void> prune_pads();

  // store_impl.cpp
  Result<void> alive() const;
  /// The one way anything durable in the marks changes.
  Result<void> commit(Ledger next);
  Result<void> persist(const KeyFile& key, std::string_view what);
  Result<void> note(Result<void> outcome);  // remembers a failed sync
  IntervalSet& open_in(Pool pool) { return open[static_cast<std::size_t>(pool)]; }
  const IntervalSet& open_in(Pool pool) const { return open[static_cast<std::size_t>(pool)]; }
  void open_for_taking(Pool pool, Interval interval);
  PoolStatus status(Pool pool) const;
  /// Bits of pools, straight into locked pages. checksum when some are missing or damaged.
  Result<secret::LockedKey> load(Pool pool, Interval interval) const;
  bool live(Pool pool, Interval interval) const;
  void erase(Owner& owner, std::size_t section, std::uint64_t first_chunk, std::uint64_t end_chunk) noexcept;
  void erase_used(Pool pool, Interval interval) noexcept;
  void erase_all_used() noexcept;

  // store_pools.cpp
  Result<Interval> reserve(Pool pool, std::uint64_t bits);
  Result<void> accept_reservation(Pool pool, Interval interval);
  Result<void> advance_marks(const Marks& peer, std::uint64_t reservation_bits);
  Result<secret::LockedKey> take_pad(Pool pool, Interval interval);
  Result<void> reserve_otp_at(Pool pool, Interval interval);
  std::uint64_t possible_end(Pool pool) const;

  // store_keys.cpp
  Owner* find(const KeyId& id);
  const Owner* pending() const;
  Result<void> put(const BitString& bits, const KeyRecord& record, const Split& split, const Settlement& settlement);
  Result<void> settle(const KeyId& id, Verdict::Kind kind);
  Result<void> make_available(Owner& owner);
  Result<void> destroy(Owner& owner);
  Result<BitString> delivery_bits(const Owner& owner);
  Result<BitString> available_bits(const KeyId& id);
  Result<BitString> deliver(const KeyId& id);

  // store_verdicts.cpp
  bool remembers(const Ledger& l, const KeyId& id) const;
  Result<void> keep_pads(Ledger& next, const KeyId& owner, const Settlement& settlement) const;
  void release_pads(Ledger& next, const KeyId& owner) const;
  Result<void> remember(const KeyId& id, std::optional<Verdict::Kind> verdict, const Settlement& settlement);
  Result<void> forget(const KeyId& id);
  Result<void> advance_record_head(const RecordHead& head);
};

/// Reads or, on first use, makes DIR/store from the pre-shared key. import.cpp
Result<void> import_preshared_key(const Folder& home, const std::filesystem::path& psk_file);
Result<Sealer> read_store_key(const Folder& store);
struct Root {
  Identity identity;
  SessionKeys keys;
};
Result<Root> read_root(const Folder& store, const Sealer& sealer);
inline constexpr const char* kPresharedBits = "preshared.bits";

}  // namespace nicol::keystore
