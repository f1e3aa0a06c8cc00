// SPDX-License-Identifier: Apache-2.0
// Tags of a block and of a settlement; see authenticator.hpp.
#include "controller/session/authenticator.hpp"

#include "controller/session/link.hpp"

namespace nicol::session {
namespace {

constexpr std::uint64_t kFrameOverhead = kHeaderBytes + kStampBytes;
constexpr std::uint64_t kVerdictBytes = kFrameOverhead + 1;  // ACCEPT_TAG and VERDICT without tag
constexpr std::uint64_t kQueryBytes = kFrameOverhead + 25, kAnswerBytes = kFrameOverhead + 18;

}  // namespace

keystore::Interval Reservation::interval(TagPurpose p) const {
  const keystore::Interval& pool = direction_of(p) == Direction::a_to_b ? auth_ab : auth_ba;
  const std::uint64_t begin = pool.begin + std::uint64_t{place_of(p)} * tag_bits;
  const bool settles = p == TagPurpose::settle_query || p == TagPurpose::settle_answer;
  return {begin, begin + std::uint64_t{settles ? kSettlementTries : std::uint8_t{1}} * tag_bits};
}

Authenticator::Authenticator(Vault& vault, Reservation reservation, ByteSpan alice_hello, ByteSpan bob_hello)
    : vault_(&vault),
      reservation_(reservation),
      ab_(vault.alpha(Direction::a_to_b)),
      ba_(vault.alpha(Direction::b_to_a)) {
  for (RunningHash* h : {&ab_, &ba_}) {
    h->append(alice_hello);
    h->append(bob_hello);
  }
}

void Authenticator::append(Direction direction, ByteSpan canonical_frame) { hash(direction).append(canonical_frame); }

void Authenticator::note_length(TagPurpose purpose, std::uint64_t bytes) {
  if (purpose == TagPurpose::detections) bytes_at_detections_ = bytes;
  if (purpose == TagPurpose::closed) bytes_at_closed_ = bytes;
}

Result<Bytes> Authenticator::tag(TagPurpose purpose) {
  const RunningHash& h = hash(direction_of(purpose));
  note_length(purpose, h.bytes());
  return vault_->tag(pool_of(purpose), reservation_.interval(purpose), h);
}

Result<bool> Authenticator::verify(TagPurpose purpose, ByteSpan tag) {
  const RunningHash& h = hash(direction_of(purpose));
  note_length(purpose, h.bytes());
  Result<bool> verified = vault_->verify(pool_of(purpose), reservation_.interval(purpose), h, tag);
  const bool covers_all = purpose == TagPurpose::transcript || purpose == TagPurpose::accept;
  if (covers_all && verified) statistics_verified_ = *verified;
  return verified;
}

double Authenticator::forgery_probability() const {
  double sum = 0;
  for (const std::uint64_t bytes :
       {bytes_at_detections_, ab_.bytes(), ba_.bytes() + kVerdictBytes, ab_.bytes() + kVerdictBytes})
    sum += forgery_bound(bytes, reservation_.tag_bits);
  if (bytes_at_closed_ > 0) sum += forgery_bound(bytes_at_closed_, reservation_.tag_bits);
  for (const std::uint64_t bytes : {kQueryBytes, kAnswerBytes})
    sum += static_cast<double>(kSettlementTries) * forgery_bound(bytes, reservation_.tag_bits);
  return sum;
}

keystore::Interval settlement_pad(const keystore::Interval& all, std::uint64_t attempt) {
  const std::uint64_t bits = all.size() / kSettlementTries;
  return {all.begin + attempt * bits, all.begin + (attempt + 1) * bits};
}

Result<Bytes> single_tag(Vault& vault, TagPurpose purpose, const keystore::Interval& pad, ByteSpan frame) {
  RunningHash hash(vault.alpha(direction_of(purpose)));
  hash.append(frame);
  return vault.tag(pool_of(purpose), pad, hash);
}

Result<bool> verify_single(Vault& vault, TagPurpose purpose, const keystore::Interval& pad, ByteSpan frame,
                           ByteSpan tag) {
  RunningHash hash(vault.alpha(direction_of(purpose)));
  hash.append(frame);
  return vault.verify(pool_of(purpose), pad, hash, tag);
}

}  // namespace nicol::session
