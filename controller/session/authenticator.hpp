// SPDX-License-Identifier: Apache-2.0
// The tags of one block: a running hash per direction, and one-time pads at fixed places inside the block's
// reservation. A pad is taken from the store when it is used, so a second try finds none. Verdicts are born here.
#pragma once

#include <cstdint>
#include <optional>

#include "controller/keystore/key_store.hpp"
#include "controller/session/messages.hpp"
#include "controller/session/wegman_carter.hpp"

namespace nicol::session {

/// Place of the tag in its direction's reservation: three each way, a settlement included whether it comes or not.
enum class TagPurpose : std::uint8_t { detections, accept, settle_query, transcript, verdict, settle_answer };
inline constexpr std::uint64_t kTagsEachWay = 3;
constexpr Direction direction_of(TagPurpose p) {
  return p <= TagPurpose::settle_query ? Direction::b_to_a : Direction::a_to_b;
}
constexpr keystore::Pool pool_of(TagPurpose p) {
  return direction_of(p) == Direction::a_to_b ? keystore::Pool::auth_ab : keystore::Pool::auth_ba;
}
constexpr std::uint64_t place_of(TagPurpose p) { return static_cast<std::uint64_t>(p) % kTagsEachWay; }

struct Reservation {
  keystore::Interval auth_ab, auth_ba;
  unsigned tag_bits = 64;
  keystore::Interval interval(TagPurpose p) const;
  keystore::KeyStore::Settlement settlement() const {
    return {interval(TagPurpose::settle_query), interval(TagPurpose::settle_answer)};
  }
  std::uint64_t bits() const { return auth_ab.size() + auth_ba.size(); }
};
constexpr std::uint64_t reservation_bits(unsigned tag_bits) { return kTagsEachWay * tag_bits; }

class Authenticator {
 public:
  /// Both HELLOs are the first frames of either direction's hash.
  Authenticator(keystore::KeyStore& store, Reservation reservation, ByteSpan alice_hello, ByteSpan bob_hello);
  void append(Direction direction, ByteSpan canonical_frame);
  /// Over everything appended in the purpose's direction. exhausted when its pad was used before.
  Result<Bytes> tag(TagPurpose purpose);
  /// The one try: the pad is gone afterwards, whatever came out.
  Result<bool> verify(TagPurpose purpose, ByteSpan tag);
  const Reservation& reservation() const { return reservation_; }
  /// Sum of (L+1)/2^t over all tags of the block, settlement included; legal once the transcript tag is made or
  /// verified, when every later length is known.
  double forgery_probability() const;

 private:
  RunningHash& hash(Direction d) { return d == Direction::a_to_b ? ab_ : ba_; }
  const RunningHash& hash(Direction d) const { return d == Direction::a_to_b ? ab_ : ba_; }
  keystore::KeyStore* store_;
  Reservation reservation_;
  RunningHash ab_, ba_;
  std::uint64_t bytes_at_detections_ = 0;
};

/// Settlement is tagged over a frame that names no connection, so that saying the same again at the next contact shows
/// the same tag and nothing new.
Bytes settlement_message(FrameType type, ByteSpan body);
Result<Bytes> settlement_tag(keystore::KeyStore& store, TagPurpose purpose, const keystore::Interval& pad,
                             ByteSpan message);
Result<bool> verify_settlement(keystore::KeyStore& store, TagPurpose purpose, const keystore::Interval& pad,
                               ByteSpan message, ByteSpan tag);

class Machine;
/// Nobody else can say what became of a key.
class VerdictIssuer {
  friend class Machine;
  static Verdict issue(const KeyId& id, Verdict::Kind kind) { return {Verdict::Passkey{}, id, kind}; }
};

}  // namespace nicol::session
