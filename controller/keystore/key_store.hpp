// SPDX-License-Identifier: Apache-2.0
// Durable keys and pools of one node: a one-time bit is used once, across crash, kill and restart (DESIGN.md 6.9, 6.10,
// 7).
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/distillation/blocks.hpp"
#include "controller/secret/locked_key.hpp"
#include "drivers/hal/result.hpp"

namespace nicol::keystore {

using distillation::KeyId;
using distillation::KeyRecord;
using distillation::Origin;
using distillation::PendingKey;
using distillation::SecretKey;
using distillation::Verdict;

/// Split by direction so that both sides never take the same bits.
enum class Pool : std::uint8_t { auth_ab, auth_ba, otp_ab, otp_ba };
inline constexpr std::array<Pool, 4> kPools{Pool::auth_ab, Pool::auth_ba, Pool::otp_ab, Pool::otp_ba};
std::string_view to_string(Pool pool) noexcept;  // "auth-ab", …

/// Half-open bit interval of a pool, in the pool's absolute coordinates (equal on both nodes).
struct Interval {
  std::uint64_t begin = 0, end = 0;
  std::uint64_t size() const { return end - begin; }
  bool operator==(const Interval&) const = default;
};

/// 0..end: bits ever fed; mark: reserved up to here (used or burnt). A mark that the peer moved may lie beyond the end
/// until the key that holds those bits is settled here too.
struct PoolStatus {
  Pool pool = Pool::auth_ab;
  std::uint64_t mark = 0, end = 0;
  std::uint64_t available() const { return end > mark ? end - mark : 0; }
};
using Marks = std::array<std::uint64_t, 4>;  // by Pool

/// Sizes in bits; both nodes agree on them at hello.
struct PoolPlan {
  std::uint64_t auth_high_water = 8192;  // per direction
  double otp_share = 0.25;               // of what is left after authentication, per direction half of it
  bool operator==(const PoolPlan&) const = default;
};

/// How one block's bits are cut, one rule on both sides: auth AB, auth BA up to high water, otp AB, otp BA, delivery.
struct Split {
  std::array<std::uint64_t, 4> pools{};
  std::uint64_t delivery = 0;
  bool operator==(const Split&) const = default;
};
Split split_key(std::uint64_t secret_bits, const std::array<PoolStatus, 4>& pools, const PoolPlan& plan);

enum class KeyState : std::uint8_t { pending, available, delivered, destroyed };
std::string_view to_string(KeyState state) noexcept;

struct KeyInfo {
  KeyId id;
  KeyState state = KeyState::pending;
  std::uint64_t bits = 0;  // of the delivery part
  std::uint32_t check = 0;
  Origin origin = Origin::simulated;
  std::uint64_t block = 0;
  Split split;
};

/// Called with a name at every boundary of a durable operation ("marks.first.fsync", "key.rename", …: README.md lists
/// them), so that tests can kill the process there. Empty in production.
using FaultPoint = std::function<void(std::string_view)>;

struct StoreOptions {
  PoolPlan plan;
  FaultPoint fault;
};

/// Creates both state folders' first pools from one pre-shared key (initial filling). The file is 0600, sealed by
/// nothing: it is the root of trust and is read straight into locked pages.
struct PresharedKeyPlan {
  Origin pool_class = Origin::simulated;
  PoolPlan plan;
};
Result<void> write_preshared_key(const std::filesystem::path& file, const PresharedKeyPlan& plan);

/// How far a row of sealed records beside the store has come: what shows that its newest ones were taken away.
struct RecordHead {
  std::string row;                  // its name, 1 to 64 bytes
  std::uint64_t count = 0;          // number of its newest record
  std::uint64_t forgotten = 0;      // a person gave up those up to this number
  std::array<std::uint8_t, 32> id;  // of its newest record
};

/// Parts of the pre-shared key that are not pools. alpha recycled per direction; service_key used for nothing else.
struct SessionKeys {
  secret::LockedKey alpha_ab, alpha_ba, service_key;
};

class KeyStore {
 public:
  /// Thread-safe. Opens (or creates from `psk_file` on first use) the store in `directory`, with an exclusive lock
  /// (busy when another process holds it: "two Alices"). bad_input names a pre-shared key whose mode is not 0600 or
  /// whose owner is not us, or a folder that others may enter; never repaired silently. Once the store exists, a
  /// missing `psk_file` is no error (destroy it when both nodes have read it) and a different one is refused.
  static Result<std::unique_ptr<KeyStore>> open(const std::filesystem::path& directory,
                                                const std::filesystem::path& psk_file, StoreOptions options);
  ~KeyStore();
  KeyStore(const KeyStore&) = delete;
  KeyStore& operator=(const KeyStore&) = delete;

  Origin pool_class() const;
  /// Public fingerprint of the pre-shared key, compared at hello (both sides must hold the same one).
  std::array<std::uint8_t, 16> preshared_fingerprint() const;
  const SessionKeys& session_keys() const;
  /// Keyed BLAKE2b-256 under a key derived from service_key, session id and direction (DESIGN.md 6).
  std::array<std::uint8_t, 32> service_mac(std::span<const std::uint8_t> session_id, std::uint8_t direction,
                                           std::span<const std::uint8_t> frame) const;

  /// Seal of a public record that is kept beside the store (calibrations): keyed BLAKE2b-128 under the store key.
  std::array<std::uint8_t, 16> record_seal(std::span<const std::uint8_t> record) const;

  /// Durable like the marks, and like them never back. refused: it would go back, change in its place, or is one row
  /// too many (64).
  Result<void> advance_record_head(const RecordHead& head);
  std::vector<RecordHead> record_heads() const;

  std::array<PoolStatus, 4> pools() const;
  Marks marks() const;
  /// Durably moves every mark to the larger of own and peer's, never back. refused (an alarm, nothing moves) when a gap
  /// exceeds 1000 reservations of `reservation_bits`, or the peer's mark lies below one it confirmed earlier.
  Result<void> advance_marks(const Marks& peer, std::uint64_t reservation_bits);

  /// Durable before it returns. exhausted when the pool holds fewer bits.
  Result<Interval> reserve(Pool pool, std::uint64_t bits);
  /// The reservation the peer made and announced: must begin at or after our mark and fit; durable before it returns.
  Result<void> accept_reservation(Pool pool, Interval interval);
  /// Pad bits inside a reservation of this run or of a pending block, each position handed out once (then wiped).
  Result<secret::LockedKey> take_pad(Pool pool, Interval interval);

  /// State PENDING, durable before it returns; settlement: the pad intervals kept for its query and answer.
  struct Settlement {
    Interval query_ba, answer_ab;
    bool operator==(const Settlement&) const = default;
  };
  Result<void> put(PendingKey&& key, const Split& split, const Settlement& settlement);
  /// available: split into pools and delivery, durable; destroyed: wiped and forgotten. Idempotent for the same
  /// verdict.
  Result<void> settle(const KeyId& id, Verdict verdict);
  struct PendingInfo {
    KeyId id;
    Settlement settlement;
    std::uint64_t block = 0;
  };
  std::optional<PendingInfo> pending() const;  // at most one

  /// Alice's memory of verdicts, durable, until Bob confirmed them. open_block remembers the settlement pads of a block
  /// from its reservation on, so that a query for a block that died can still be answered.
  Result<void> remember(const KeyId& id, std::optional<Verdict::Kind> verdict, const Settlement& settlement);
  struct Remembered {
    KeyId id;
    std::optional<Verdict::Kind> verdict;
    Settlement settlement;
  };
  std::vector<Remembered> remembered() const;
  Result<void> forget(const KeyId& id);

  std::vector<KeyInfo> keys() const;
  Result<KeyRecord> record(const KeyId& id) const;
  /// Next block number this node may use; durable and increasing.
  Result<std::uint64_t> next_block();

  /// Whether this key is available in both stores of one process with the same bits; compared in constant time inside
  /// locked pages, nothing is handed out. For `nicol run`, which holds both nodes.
  Result<bool> same_key(const KeyStore& other, const KeyId& id) const;

  /// AVAILABLE -> DELIVERED, durable before a bit is handed out; a second call is refused.
  Result<SecretKey> deliver(const KeyId& id);
  /// One-time-pad bits for user data, each once: durable before handed out.
  struct PadLoan {
    Interval interval;
    secret::LockedKey bits;
  };
  Result<PadLoan> take_otp(Pool pool, std::uint64_t bits);
  /// reserve() for the receiving side: these very positions, in any order of messages, each once. take_pad then hands
  /// them out piece by piece. Positions skipped stay open (64 gaps a pool at most, then the oldest is burnt).
  Result<void> reserve_otp_at(Pool pool, Interval interval);
  /// The receiving side of a one-time pad: this very interval, refused if any of it was used before.
  Result<secret::LockedKey> take_otp_at(Pool pool, Interval interval);

  /// Cumulative epsilon since the pre-shared key, durable.
  double cumulative_epsilon() const;
  Result<void> add_epsilon(double total);

 private:
  struct Impl;
  explicit KeyStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nicol::keystore
