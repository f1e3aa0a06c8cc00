// SPDX-License-Identifier: Apache-2.0
// Settlement: Bob asks what became of the key he holds PENDING; Alice's remembered verdict decides. Every try has pads
// of its own, each used once: a lost link costs a try, and when all are spent the key stays pending and people must
// look.
#include "controller/session/machine.hpp"

namespace nicol::session {
namespace {

using Remembered = keystore::KeyStore::Remembered;

std::optional<Remembered> find(Vault& store, const KeyId& id) {
  for (Remembered& known : store.remembered())
    if (known.id == id) return known;
  return std::nullopt;
}

constexpr const char* kStuck = "the key stays unused and no block opens: make a new pre-shared key on both nodes";

}  // namespace

/// Alice was stopped between storing a key and making it available: her own remembered verdict decides.
Result<void> Machine::recover_own_pending() {
  const auto own = store_->pending();
  if (!own) return {};
  const std::optional<Remembered> known = find(*store_, own->id);
  const bool available = known && known->verdict == Verdict::Kind::available;
  const auto kind = available ? Verdict::Kind::available : Verdict::Kind::destroyed;
  if (!available)
    if (Result<void> written = store_->remember(own->id, kind, own->settlement); !written) return written;
  if (Result<void> settled = store_->settle(own->id, VerdictIssuer::issue(own->id, kind)); !settled) return settled;
  event(EventSettled{own->id, kind});
  return {};
}

Result<void> Machine::ask_settlement() {
  const auto pending = store_->pending();
  if (!pending) {
    peer_ready();
    return {};
  }
  SettleQuery m{pending->id, pending->block, 0};
  for (; m.attempt < kSettlementTries; ++m.attempt) {
    Result<void> sent = send_alone(FrameType::settle_query, TagPurpose::settle_query,
                                   settlement_pad(pending->settlement.query_ba, m.attempt), encode(m));
    if (!sent && sent.error().code == Code::refused) continue;  // this pad was used before
    if (sent) enter(State::answer_wait);
    settlement_attempt_ = m.attempt;
    return sent;
  }
  alarm("settlement", "every pad reserved for settling this key was used without an answer", kStuck);
  return session_error(Code::refused, "a key in doubt cannot be settled");
}

Result<void> Machine::on_settle_query(const Incoming& in) {
  const Result<SettleQuery> m = decode_settle_query(in.body);
  if (!m) return m.error();
  const std::optional<Remembered> known = find(*store_, m->id);
  if (m->id != peer_pending_ || !known) {
    alarm("settlement", "a query for a key whose pads this side does not hold", kStuck);
    return session_error(Code::authentication, "a settlement that cannot be answered");
  }
  Result<void> verified =
      verify_alone(in, TagPurpose::settle_query, settlement_pad(known->settlement.query_ba, m->attempt));
  if (!verified) return verified;
  const auto kind = known->verdict == Verdict::Kind::available ? Verdict::Kind::available : Verdict::Kind::destroyed;
  if (!known->verdict)
    if (Result<void> written = store_->remember(m->id, kind, known->settlement); !written) return written;
  return send_alone(FrameType::settle_answer, TagPurpose::settle_answer,
                    settlement_pad(known->settlement.answer_ab, m->attempt),
                    encode(SettleAnswer{m->id, kind, m->attempt}));
}

Result<void> Machine::on_settle_answer(const Incoming& in) {
  const Result<SettleAnswer> m = decode_settle_answer(in.body);
  if (!m) return m.error();
  const auto pending = store_->pending();
  if (!pending || m->id != pending->id || m->attempt != settlement_attempt_)
    return session_error(Code::authentication, "an answer about another key");
  Result<void> verified =
      verify_alone(in, TagPurpose::settle_answer, settlement_pad(pending->settlement.answer_ab, m->attempt));
  if (!verified) return verified;
  if (Result<void> done = apply_verdict(m->id, m->kind); !done) return done;
  send(FrameType::settle_done, encode(SettleDone{m->id, m->kind}));
  event(EventSettled{m->id, m->kind});
  peer_ready();
  return {};
}

/// A settlement frame stands alone: tagged by itself, outside any block. Not sent when its pad is gone.
Result<void> Machine::send_alone(FrameType type, TagPurpose purpose, const keystore::Interval& pad, const Bytes& body) {
  Link ahead = link_;
  Bytes frame = ahead.make(type, body);
  const Result<Bytes> tag = single_tag(*store_, purpose, pad, frame);
  if (!tag) return tag.error();
  link_ = ahead;
  frame.insert(frame.end(), tag->begin(), tag->end());
  out_.send.push_back(std::move(frame));
  return {};
}

Result<void> Machine::verify_alone(const Incoming& in, TagPurpose purpose, const keystore::Interval& pad) {
  const Result<bool> verified = verify_single(*store_, purpose, pad, in.canonical, in.trailer);
  if (verified && *verified) return {};
  alarm("settlement", "a message about a key in doubt did not verify",
        "somebody changes messages on the line, or one node's state was set back; each try spends a reserved pad");
  return session_error(Code::authentication, "a tag did not verify");
}

Result<void> Machine::on_settle_done(const Incoming& in) {
  const Result<SettleDone> m = decode_settle_done(in.body);
  if (!m) return m.error();
  if (m->id != peer_pending_) return session_error(Code::authentication, "a confirmation of another key");
  if (Result<void> done = store_->forget(m->id); !done) return done;
  peer_pending_.reset();
  event(EventSettled{m->id, m->kind});
  peer_ready();
  return {};
}

/// Bob's: the epsilon is counted first, so that a stop in between counts it twice rather than never.
Result<void> Machine::apply_verdict(const KeyId& id, Verdict::Kind kind) {
  if (kind == Verdict::Kind::available) {
    const Result<double> total = store_->epsilon_of(id);
    if (!total) return total.error();
    if (Result<void> counted = store_->add_epsilon(*total); !counted) return counted;
  }
  return store_->settle(id, VerdictIssuer::issue(id, kind));
}

}  // namespace nicol::session
