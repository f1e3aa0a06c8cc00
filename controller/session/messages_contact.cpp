// SPDX-License-Identifier: Apache-2.0
// Messages before and around a block: hello, marks, settlement, opening, the end.
#include "controller/session/messages.hpp"

namespace nicol::session {
namespace {

constexpr std::size_t kMaxDetail = 200;

template <class E>
std::uint8_t code(E e) {
  return static_cast<std::uint8_t>(e);
}
template <class E>
E choice(ByteReader& r, E last) {
  return static_cast<E>(r.u8_up_to(static_cast<std::uint8_t>(last)));
}
double probability(ByteReader& r) {
  const double p = r.f64();
  if (!(p >= 0 && p <= 1)) r.fail();
  return p;
}
double not_negative(ByteReader& r) {
  const double v = r.f64();
  if (!(v >= 0)) r.fail();
  return v;
}
KeyId key_id(ByteReader& r) { return {r.fixed<16>()}; }

void put(ByteWriter& w, const Agreement& a) {
  w.u8(code(a.protocol));
  w.u8(code(a.pairs.state));
  w.u64(static_cast<std::uint64_t>(a.pairs.slot_period.count));
  w.u64(static_cast<std::uint64_t>(a.pairs.closed_tick.count));
  w.u8(code(a.length));
  w.u8(code(a.sample.key_bases));
  w.f64(a.sample.key_basis_share);
  w.u64(a.sample.key_basis_minimum);
  for (const double e : {a.epsilon.at, a.epsilon.pa, a.epsilon.ev, a.epsilon.mp}) w.f64(e);
  w.u16(static_cast<std::uint16_t>(a.tag_bits));
  w.u16(static_cast<std::uint16_t>(a.verification_bits));
  w.f64(a.p_alice_diagonal);
  w.f64(a.p_bob_diagonal);
  w.u64(a.pools.auth_high_water);
  w.f64(a.pools.otp_share);
  w.f64(a.qber_abort);
  w.u64(a.block_slots);
  w.u64(a.minimum_key_bits);
  w.u8(a.public_slots ? 1 : 0);
  if (!a.public_slots) return;
  w.u64(a.public_slots->preamble);
  w.u64(a.public_slots->repeat);
  w.u64(a.public_slots->tail);
  w.u32(a.public_slots->spacing);
  w.u8(code(a.public_slots->basis));
}

PublicSlots public_slots(ByteReader& r) {
  PublicSlots p;
  p.preamble = r.u64();
  p.repeat = r.u64();
  p.tail = r.u64();
  p.spacing = r.u32();
  p.basis = choice(r, detection::Basis::diagonal);
  return p;
}

Agreement agreement(ByteReader& r) {
  constexpr std::uint64_t kMostTime = std::uint64_t{1} << 62;
  Agreement a;
  a.protocol = choice(r, Protocol::bbm92);
  a.pairs.state = choice(r, detection::pairs::PairState::phi_plus);
  for (Picoseconds* time : {&a.pairs.slot_period, &a.pairs.closed_tick}) {
    const std::uint64_t count = r.u64();
    if (count > kMostTime) r.fail();
    time->count = static_cast<std::int64_t>(count);
  }
  a.length = choice(r, distillation::LengthFunction::sps_g2);
  a.sample.key_bases = choice(r, sifting::KeyBases::both);
  a.sample.key_basis_share = probability(r);
  a.sample.key_basis_minimum = static_cast<std::size_t>(r.u64());
  for (double* e : {&a.epsilon.at, &a.epsilon.pa, &a.epsilon.ev, &a.epsilon.mp}) *e = probability(r);
  a.tag_bits = r.u16();
  a.verification_bits = r.u16();
  a.p_alice_diagonal = probability(r);
  a.p_bob_diagonal = probability(r);
  a.pools.auth_high_water = r.u64();
  a.pools.otp_share = probability(r);
  a.qber_abort = probability(r);
  a.block_slots = r.u64();
  a.minimum_key_bits = r.u64();
  if (r.u8_up_to(1) != 0) a.public_slots = public_slots(r);
  return a;
}

void put(ByteWriter& w, const hal::DeviceModel& m) {
  w.u8(m.simulated ? 1 : 0);
  w.u8(m.basis_independent_detection ? 1 : 0);
  for (const double v : {m.p_multi, m.mean_photon_number, m.g2, m.efficiency_mismatch, m.preparation_error_rad})
    w.f64(v);
  for (const hal::Provenance p : {m.source_provenance, m.mismatch_provenance, m.preparation_provenance}) w.u8(code(p));
}

hal::DeviceModel device_model(ByteReader& r) {
  hal::DeviceModel m;
  m.simulated = r.u8_up_to(1) != 0;
  m.basis_independent_detection = r.u8_up_to(1) != 0;
  m.p_multi = probability(r);
  m.mean_photon_number = not_negative(r);
  m.g2 = not_negative(r);
  m.efficiency_mismatch = not_negative(r);
  m.preparation_error_rad = not_negative(r);
  for (hal::Provenance* p : {&m.source_provenance, &m.mismatch_provenance, &m.preparation_provenance})
    *p = choice(r, hal::Provenance::measured);
  return m;
}

void put(ByteWriter& w, const keystore::Interval& i) {
  w.u64(i.begin);
  w.u64(i.end);
}
keystore::Interval interval(ByteReader& r) {
  const std::uint64_t begin = r.u64(), end = r.u64();
  if (end < begin) r.fail();
  return {begin, end};
}

}  // namespace

Bytes encode(const Hello& m) {
  ByteWriter w;
  w.u16(m.protocol);
  w.bytes(m.half);
  w.u8(code(m.side));
  w.bytes(m.preshared_fingerprint);
  w.u8(code(m.pool_class));
  w.u8(code(m.origin));
  w.u8(code(m.receiver));
  put(w, m.agreement);
  put(w, m.model);
  return std::move(w).take();
}

Result<Hello> decode_hello(ByteSpan body) {
  ByteReader r(body);
  Hello m;
  m.protocol = r.u16();
  // A later version may say more: its HELLO is refused by number, not as malformed.
  if (!r.failed() && m.protocol != kProtocolVersion) return m;
  m.half = r.fixed<8>();
  m.side = choice(r, Side::bob);
  m.preshared_fingerprint = r.fixed<16>();
  m.pool_class = choice(r, distillation::Origin::replayed);
  m.origin = choice(r, distillation::Origin::replayed);
  m.receiver = choice(r, hal::ReceiverKind::active);
  m.agreement = agreement(r);
  m.model = device_model(r);
  return r.finish(m, "HELLO");
}

Bytes encode(const MarksMessage& m) {
  ByteWriter w;
  for (const std::uint64_t mark : m.marks) w.u64(mark);
  w.u8(m.pending ? 1 : 0);
  if (m.pending) w.bytes(m.pending->bytes);
  return std::move(w).take();
}

Result<MarksMessage> decode_marks(ByteSpan body) {
  ByteReader r(body);
  MarksMessage m;
  for (std::uint64_t& mark : m.marks) mark = r.u64();
  if (r.u8_up_to(1) != 0) m.pending = key_id(r);
  return r.finish(m, "MARKS");
}

Bytes encode(const SettleQuery& m) {
  ByteWriter w;
  w.bytes(m.id.bytes);
  w.u64(m.block);
  w.u8(m.attempt);
  return std::move(w).take();
}

Result<SettleQuery> decode_settle_query(ByteSpan body) {
  ByteReader r(body);
  SettleQuery m;
  m.id = key_id(r);
  m.block = r.u64();
  m.attempt = r.u8_up_to(kSettlementTries - 1);
  return r.finish(m, "SETTLE_QUERY");
}

Bytes encode(const SettleAnswer& m) {
  ByteWriter w;
  w.bytes(m.id.bytes);
  w.u8(code(m.kind));
  w.u8(m.attempt);
  return std::move(w).take();
}

Result<SettleAnswer> decode_settle_answer(ByteSpan body) {
  ByteReader r(body);
  SettleAnswer m;
  m.id = key_id(r);
  m.kind = choice(r, Verdict::Kind::destroyed);
  m.attempt = r.u8_up_to(kSettlementTries - 1);
  return r.finish(m, "SETTLE_ANSWER");
}

Bytes encode(const SettleDone& m) {
  ByteWriter w;
  w.bytes(m.id.bytes);
  w.u8(code(m.kind));
  return std::move(w).take();
}

Result<SettleDone> decode_settle_done(ByteSpan body) {
  ByteReader r(body);
  SettleDone m;
  m.id = key_id(r);
  m.kind = choice(r, Verdict::Kind::destroyed);
  return r.finish(m, "SETTLE_DONE");
}

Bytes encode(const BlockOpen& m) {
  ByteWriter w;
  w.u64(m.block);
  w.bytes(m.id.bytes);
  put(w, m.auth_ab);
  put(w, m.auth_ba);
  put(w, m.agreement);
  return std::move(w).take();
}

Result<BlockOpen> decode_block_open(ByteSpan body) {
  ByteReader r(body);
  BlockOpen m;
  m.block = r.u64();
  m.id = key_id(r);
  m.auth_ab = interval(r);
  m.auth_ba = interval(r);
  m.agreement = agreement(r);
  return r.finish(m, "BLOCK_OPEN");
}

Bytes encode(const BlockReady& m) {
  ByteWriter w;
  w.u64(m.block);
  return std::move(w).take();
}

Result<BlockReady> decode_block_ready(ByteSpan body) {
  ByteReader r(body);
  BlockReady m;
  m.block = r.u64();
  return r.finish(m, "BLOCK_READY");
}

Bytes encode(Verdict::Kind kind) { return {code(kind)}; }
Result<Verdict::Kind> decode_verdict(ByteSpan body) {
  ByteReader r(body);
  const auto kind = choice(r, Verdict::Kind::destroyed);
  return r.finish(kind, "verdict");
}

Result<void> decode_empty(ByteSpan body, FrameType type) {
  ByteReader r(body);
  const Result<bool> done = r.finish(true, to_string(type));
  if (!done) return done.error();
  return {};
}

Bytes encode(const RigReady& m) {
  ByteWriter w;
  w.text(std::string_view(m.why_not).substr(0, kMaxDetail));
  return std::move(w).take();
}
Result<RigReady> decode_rig_ready(ByteSpan body) {
  ByteReader r(body);
  RigReady m{r.text(kMaxDetail)};
  return r.finish(std::move(m), "RIG_READY");
}

Bytes encode(const Abort& m) {
  ByteWriter w;
  w.u8(code(m.kind));
  w.u64(m.block);
  w.u8(code(m.reason));
  w.text(std::string_view(m.detail).substr(0, kMaxDetail));
  return std::move(w).take();
}

Result<Abort> decode_abort(ByteSpan body) {
  ByteReader r(body);
  Abort m;
  m.kind = choice(r, AbortKind::last_word);
  m.block = r.u64();
  m.reason = choice(r, BlockReason::cancelled);
  m.detail = r.text(kMaxDetail);
  return r.finish(std::move(m), "ABORT");
}

}  // namespace nicol::session
