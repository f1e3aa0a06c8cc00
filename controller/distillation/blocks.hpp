// SPDX-License-Identifier: Apache-2.0
// The stages' types: SiftedBlock -> EstimatedBlock -> ReconciledBlock -> VerifiedBlock -> PendingKey -> SecretKey.
// Move-only; each constructor is private to the one stage that makes it, so a skipped stage does not compile.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/distillation/keylength.hpp"
#include "controller/distillation/parameters.hpp"
#include "controller/sifting/sifting.hpp"
#include "drivers/hal/result.hpp"

namespace nicol::session {
class VerdictIssuer;
}
namespace nicol::keystore {
class KeyStore;
struct KeyDigest;
}  // namespace nicol::keystore

namespace nicol::distillation {

struct BasisCounts {
  std::uint64_t bits = 0, errors = 0;
  bool operator==(const BasisCounts&) const = default;
};

/// Public facts that travel with the raw key through every stage, equal on both sides.
struct BlockFacts {
  std::array<std::uint64_t, 2> sifted{};    // per basis
  std::array<BasisCounts, 2> sample{};      // disclosed bits and errors per basis
  std::array<std::uint64_t, 2> key_bits{};  // |K_b| (0 for a basis that makes no key)
  std::array<double, 2> sample_share{};     // coin probability of the sample, per basis
  std::uint64_t slots_kept = 0;             // N
  LengthInputs inputs;
  LeakLedger ledger;
  std::optional<std::uint64_t> corrected_errors;  // after reconciliation (Bob's count, told to Alice)
};

// NOLINTBEGIN(bugprone-macro-parentheses): a class name takes none
#define NICOL_STAGE(NAME, MAKER)                                                            \
 public:                                                                                    \
  NAME(NAME&&) noexcept = default;                                                          \
  NAME& operator=(NAME&&) noexcept = default;                                               \
  const BlockFacts& facts() const { return facts_; }                                        \
  std::size_t size() const { return raw_.size(); }                                          \
                                                                                            \
 private:                                                                                   \
  friend struct MAKER;                                                                      \
  NAME(BitString raw, BlockFacts facts) : raw_(std::move(raw)), facts_(std::move(facts)) {} \
  BitString raw_;                                                                           \
  BlockFacts facts_
// NOLINTEND(bugprone-macro-parentheses)

/// Raw key of the key bases (rectilinear first), sample removed; QBER known from the sample.
class EstimatedBlock {
  NICOL_STAGE(EstimatedBlock, EstimationStage);
  friend struct ReconciliationStage;
};
/// Equal on both sides unless reconciliation failed silently.
class ReconciledBlock {
  NICOL_STAGE(ReconciledBlock, ReconciliationStage);
  friend struct VerificationStage;
};
/// Equal on both sides but with probability eps_EV.
class VerifiedBlock {
  NICOL_STAGE(VerifiedBlock, VerificationStage);
  friend struct AmplificationStage;
};
#undef NICOL_STAGE

/// 128-bit identity, drawn by Alice; printed as a UUID.
struct KeyId {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const KeyId&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 mistakes it
};
std::string to_string(const KeyId& id);
Result<KeyId> parse_key_id(std::string_view uuid);

enum class Origin : std::uint8_t { production, demonstration, simulated, replayed };
std::string_view to_string(Origin origin) noexcept;

struct EpsilonRecord {
  double sec = 0, cor = 0, auth = 0, total = 0, cumulative = 0;
};

/// The record without which a key is not released (1.1).
struct KeyRecord {
  KeyId id;
  std::uint64_t block = 0;
  Origin origin = Origin::simulated;
  BlockFacts facts;
  KeyLength length;               // the evaluated bound
  std::uint64_t secret_bits = 0;  // after the check value is cut
  std::uint32_t check = 0;
  EpsilonRecord epsilon;
  secret::Backing backing = secret::Backing::mlock;
  std::vector<std::string> notes;  // "equal efficiencies assumed", "mu, g2 declared", …
};

/// Final bits not yet usable: nobody can read them but the key store, as state PENDING.
class PendingKey {
 public:
  PendingKey(PendingKey&&) noexcept = default;
  PendingKey& operator=(PendingKey&&) noexcept = default;
  const KeyRecord& record() const { return record_; }
  KeyRecord& record() { return record_; }

 private:
  friend struct AmplificationStage;
  friend class nicol::keystore::KeyStore;
  friend struct nicol::keystore::KeyDigest;
  friend class ReplayedKey;
  PendingKey(BitString bits, KeyRecord record) : bits_(std::move(bits)), record_(std::move(record)) {}
  BitString bits_;
  KeyRecord record_;
};

/// Only the session can make one, once the tags verify.
class Verdict {
 public:
  enum class Kind : std::uint8_t { available, destroyed };
  class Passkey {
    friend class nicol::session::VerdictIssuer;
    Passkey() = default;
  };
  Verdict(Passkey, KeyId id, Kind kind) : id_(id), kind_(kind) {}
  const KeyId& id() const { return id_; }
  Kind kind() const { return kind_; }

 private:
  KeyId id_;
  Kind kind_;
};

/// What the key store hands out.
class SecretKey {
 public:
  SecretKey(SecretKey&&) noexcept = default;
  SecretKey& operator=(SecretKey&&) noexcept = default;
  const BitString& bits() const { return bits_; }
  BitString take() && { return std::move(bits_); }

 private:
  friend class nicol::keystore::KeyStore;
  explicit SecretKey(BitString bits) : bits_(std::move(bits)) {}
  BitString bits_;
};

}  // namespace nicol::distillation
