// SPDX-License-Identifier: Apache-2.0
// The tags of one block: a running hash per direction, and one-time pads at fixed places inside the block's
// reservation. A pad is taken from the store when it is used, so a second try finds none. Verdicts are born here.
#pragma once

#include <cstdint>
#include <optional>

#include "controller/keystore/key_store.hpp"
#include "controller/session/messages.hpp"
#include "controller/session/vault.hpp"
#include "controller/session/wegman_carter.hpp"

namespace nicol::session {

/// Place of the tag in its direction's reservation. A settlement that is cut off cannot use its pads again, so a block
/// reserves them several times over, whether it will need them or not.
enum class TagPurpose : std::uint8_t { detections, accept, settle_query, transcript, verdict, settle_answer, closed };
inline constexpr std::uint64_t kTagsEachWay = 2 + std::uint64_t{kSettlementTries};
constexpr Direction direction_of(TagPurpose p) {
  return p <= TagPurpose::settle_query ? Direction::b_to_a : Direction::a_to_b;
}
constexpr keystore::Pool pool_of(TagPurpose p) {
  return direction_of(p) == Direction::a_to_b ? keystore::Pool::auth_ab : keystore::Pool::auth_ba;
}
/// CLOSED stands behind the settlement's, so that the other places are those of every block.
constexpr std::uint64_t place_of(TagPurpose p) {
  return p == TagPurpose::closed ? kTagsEachWay : static_cast<std::uint64_t>(p) % 3;
}

struct Reservation {
  keystore::Interval auth_ab, auth_ba;
  unsigned tag_bits = 64;
  /// One tag; of the settlement purposes all tries.
  keystore::Interval interval(TagPurpose p) const;
  keystore::KeyStore::Settlement settlement() const {
    return {interval(TagPurpose::settle_query), interval(TagPurpose::settle_answer)};
  }
  std::uint64_t bits() const { return auth_ab.size() + auth_ba.size(); }
};
/// Of one pool: Alice has one tag more to send where pairs are shared.
constexpr std::uint64_t reservation_bits(const Agreement& agreement, keystore::Pool pool) {
  const bool lists = agreement.protocol == Protocol::bbm92 && pool == keystore::Pool::auth_ab;
  return (kTagsEachWay + (lists ? 1 : 0)) * agreement.tag_bits;
}
/// Of the pool that a block takes most from.
constexpr std::uint64_t worst_reservation_bits(const Agreement& agreement) {
  return reservation_bits(agreement, keystore::Pool::auth_ab);
}

class Authenticator {
 public:
  /// Both HELLOs are the first frames of either direction's hash.
  Authenticator(Vault& vault, Reservation reservation, ByteSpan alice_hello, ByteSpan bob_hello);
  void append(Direction direction, ByteSpan canonical_frame);
  /// Over everything appended in the purpose's direction. exhausted when its pad was used before.
  Result<Bytes> tag(TagPurpose purpose);
  /// The one try: the pad is gone afterwards, whatever came out.
  Result<bool> verify(TagPurpose purpose, ByteSpan tag);
  const Reservation& reservation() const { return reservation_; }
  /// The peer's tag over all that he sent of this block has verified (Bob: TRANSCRIPT_TAG, Alice: ACCEPT_TAG).
  bool statistics_verified() const { return statistics_verified_; }
  /// Sum of (L+1)/2^t over all tags of the block, settlement included; legal once the transcript tag is made or
  /// verified, when every later length is known.
  double forgery_probability() const;

 private:
  void note_length(TagPurpose purpose, std::uint64_t bytes);
  RunningHash& hash(Direction d) { return d == Direction::a_to_b ? ab_ : ba_; }
  const RunningHash& hash(Direction d) const { return d == Direction::a_to_b ? ab_ : ba_; }
  Vault* vault_;
  Reservation reservation_;
  RunningHash ab_, ba_;
  std::uint64_t bytes_at_detections_ = 0, bytes_at_closed_ = 0;
  bool statistics_verified_ = false;
};

/// The pad of one try of a settlement, counted from 0.
keystore::Interval settlement_pad(const keystore::Interval& all, std::uint64_t attempt);
/// Tag over one frame that stands alone, outside any block. The pad is gone afterwards.
Result<Bytes> single_tag(Vault& vault, TagPurpose purpose, const keystore::Interval& pad, ByteSpan frame);
Result<bool> verify_single(Vault& vault, TagPurpose purpose, const keystore::Interval& pad, ByteSpan frame,
                           ByteSpan tag);

class Machine;
/// Nobody else can say what became of a key.
class VerdictIssuer {
  friend class Machine;
  static Verdict issue(const KeyId& id, Verdict::Kind kind) { return {Verdict::Passkey{}, id, kind}; }
};

}  // namespace nicol::session
