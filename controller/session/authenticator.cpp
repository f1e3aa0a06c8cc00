// SPDX-License-Identifier: Apache-2.0
// Tags of a block and of a settlement; see authenticator.hpp.
#include "controller/session/authenticator.hpp"

#include "controller/session/link.hpp"

namespace nicol::session {
namespace {

constexpr std::uint64_t kFrameOverhead = kHeaderBytes + kStampBytes;
constexpr std::uint64_t kVerdictBytes = kFrameOverhead + 1;  // ACCEPT_TAG and VERDICT without tag
constexpr std::uint64_t kQueryBytes = kFrameOverhead + 25, kAnswerBytes = kFrameOverhead + 18;

const secret::LockedKey& alpha(const keystore::KeyStore& store, Direction d) {
  const keystore::SessionKeys& keys = store.session_keys();
  return d == Direction::a_to_b ? keys.alpha_ab : keys.alpha_ba;
}

Bytes cut(const std::array<std::uint8_t, 16>& tag, std::uint64_t bits) {
  return {tag.begin(), tag.begin() + static_cast<std::ptrdiff_t>(bits / 8)};
}

}  // namespace

keystore::Interval Reservation::interval(TagPurpose p) const {
  const keystore::Interval& pool = direction_of(p) == Direction::a_to_b ? auth_ab : auth_ba;
  const std::uint64_t begin = pool.begin + place_of(p) * tag_bits;
  const bool settles = p == TagPurpose::settle_query || p == TagPurpose::settle_answer;
  return {begin, begin + (settles ? kSettlementTries : 1) * tag_bits};
}

Authenticator::Authenticator(keystore::KeyStore& store, Reservation reservation, ByteSpan alice_hello,
                             ByteSpan bob_hello)
    : store_(&store),
      reservation_(reservation),
      ab_(alpha(store, Direction::a_to_b)),
      ba_(alpha(store, Direction::b_to_a)) {
  for (RunningHash* h : {&ab_, &ba_}) {
    h->append(alice_hello);
    h->append(bob_hello);
  }
}

void Authenticator::append(Direction direction, ByteSpan canonical_frame) { hash(direction).append(canonical_frame); }

Result<Bytes> Authenticator::tag(TagPurpose purpose) {
  const Result<secret::LockedKey> pad = store_->take_pad(pool_of(purpose), reservation_.interval(purpose));
  if (!pad) return pad.error();
  const RunningHash& h = hash(direction_of(purpose));
  if (purpose == TagPurpose::detections) bytes_at_detections_ = h.bytes();
  return cut(h.tag(*pad, reservation_.tag_bits), reservation_.tag_bits);
}

Result<bool> Authenticator::verify(TagPurpose purpose, ByteSpan tag) {
  const Result<secret::LockedKey> pad = store_->take_pad(pool_of(purpose), reservation_.interval(purpose));
  if (!pad) return pad.error();
  const RunningHash& h = hash(direction_of(purpose));
  if (purpose == TagPurpose::detections) bytes_at_detections_ = h.bytes();
  return h.verify(tag, *pad, reservation_.tag_bits);
}

double Authenticator::forgery_probability() const {
  double sum = 0;
  for (const std::uint64_t bytes :
       {bytes_at_detections_, ab_.bytes(), ba_.bytes() + kVerdictBytes, ab_.bytes() + kVerdictBytes})
    sum += forgery_bound(bytes, reservation_.tag_bits);
  for (const std::uint64_t bytes : {kQueryBytes, kAnswerBytes})
    sum += static_cast<double>(kSettlementTries) * forgery_bound(bytes, reservation_.tag_bits);
  return sum;
}

keystore::Interval settlement_pad(const keystore::Interval& all, std::uint64_t attempt) {
  const std::uint64_t bits = all.size() / kSettlementTries;
  return {all.begin + attempt * bits, all.begin + (attempt + 1) * bits};
}

Result<Bytes> single_tag(keystore::KeyStore& store, TagPurpose purpose, const keystore::Interval& pad, ByteSpan frame) {
  const Result<secret::LockedKey> key = store.take_pad(pool_of(purpose), pad);
  if (!key) return key.error();
  RunningHash hash(alpha(store, direction_of(purpose)));
  hash.append(frame);
  return cut(hash.tag(*key, static_cast<unsigned>(pad.size())), pad.size());
}

Result<bool> verify_single(keystore::KeyStore& store, TagPurpose purpose, const keystore::Interval& pad, ByteSpan frame,
                           ByteSpan tag) {
  const Result<secret::LockedKey> key = store.take_pad(pool_of(purpose), pad);
  if (!key) return key.error();
  RunningHash hash(alpha(store, direction_of(purpose)));
  hash.append(frame);
  return hash.verify(tag, *key, static_cast<unsigned>(pad.size()));
}

}  // namespace nicol::session
