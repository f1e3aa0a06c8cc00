// SPDX-License-Identifier: Apache-2.0
// Settlement: Bob asks what became of the key he holds PENDING; Alice's remembered verdict decides. Both say it with
// one-time tags over a message that names no connection: said again after a lost link it is the same, and shows nothing
// new. A tag that fails is the end of that pad: the key then stays pending and people must look.
#include <algorithm>

#include "controller/session/machine.hpp"

namespace nicol::session {
namespace {

using Remembered = keystore::KeyStore::Remembered;

std::optional<Remembered> find(const keystore::KeyStore& store, const KeyId& id) {
  for (Remembered& known : store.remembered())
    if (known.id == id) return known;
  return std::nullopt;
}

bool burnt(const Remembered& known) { return known.settlement.query_ba.size() == 0; }

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
  // On Bob's side a remembered id marks a settlement whose one try was spent.
  if (find(*store_, pending->id)) {
    alarm("settlement", "an earlier answer about this key did not verify", kStuck);
    return session_error(Code::refused, "a key in doubt cannot be settled");
  }
  const Bytes body = encode(SettleQuery{pending->id, pending->block});
  const Result<Bytes> tag = settlement_tag(*store_, TagPurpose::settle_query, pending->settlement.query_ba,
                                           settlement_message(FrameType::settle_query, body));
  if (!tag) return tag.error();
  send(FrameType::settle_query, body);
  out_.send.back().insert(out_.send.back().end(), tag->begin(), tag->end());
  enter(State::answer_wait);
  return {};
}

Result<void> Machine::on_settle_query(const Incoming& in) {
  const Result<SettleQuery> m = decode_settle_query(in.body);
  if (!m) return m.error();
  const std::optional<Remembered> known = find(*store_, m->id);
  if (m->id != peer_pending_ || !known || burnt(*known)) {
    alarm("settlement", "a query for a key whose pads this side does not hold", kStuck);
    return session_error(Code::authentication, "a settlement that cannot be answered");
  }
  const Bytes question = settlement_message(FrameType::settle_query, in.body);
  const Result<bool> verified =
      verify_settlement(*store_, TagPurpose::settle_query, known->settlement.query_ba, question, in.trailer);
  if (!verified) return verified.error();
  if (!*verified) {
    if (Result<void> spent = store_->remember(m->id, known->verdict, {}); !spent) return spent;
    alarm("settlement", "a query did not verify", kStuck);
    return session_error(Code::authentication, "a tag did not verify");
  }
  const auto kind = known->verdict == Verdict::Kind::available ? Verdict::Kind::available : Verdict::Kind::destroyed;
  if (!known->verdict)
    if (Result<void> written = store_->remember(m->id, kind, known->settlement); !written) return written;
  const Bytes body = encode(SettleAnswer{m->id, kind});
  const Result<Bytes> tag = settlement_tag(*store_, TagPurpose::settle_answer, known->settlement.answer_ab,
                                           settlement_message(FrameType::settle_answer, body));
  if (!tag) return tag.error();
  send(FrameType::settle_answer, body);
  out_.send.back().insert(out_.send.back().end(), tag->begin(), tag->end());
  return {};
}

Result<void> Machine::on_settle_answer(const Incoming& in) {
  const Result<SettleAnswer> m = decode_settle_answer(in.body);
  if (!m) return m.error();
  const auto pending = store_->pending();
  if (!pending || m->id != pending->id) return session_error(Code::authentication, "an answer about another key");
  const Bytes answer = settlement_message(FrameType::settle_answer, in.body);
  const Result<bool> verified =
      verify_settlement(*store_, TagPurpose::settle_answer, pending->settlement.answer_ab, answer, in.trailer);
  if (!verified) return verified.error();
  if (!*verified) {
    if (Result<void> spent = store_->remember(pending->id, std::nullopt, {}); !spent) return spent;
    alarm("settlement", "an answer did not verify", kStuck);
    return session_error(Code::authentication, "a tag did not verify");
  }
  if (Result<void> done = apply_verdict(m->id, m->kind); !done) return done;
  send(FrameType::settle_done, encode(SettleDone{m->id, m->kind}));
  event(EventSettled{m->id, m->kind});
  peer_ready();
  return {};
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
    const Result<distillation::KeyRecord> record = store_->record(id);
    if (!record) return record.error();
    if (Result<void> counted = store_->add_epsilon(record->epsilon.total); !counted) return counted;
  }
  return store_->settle(id, VerdictIssuer::issue(id, kind));
}

}  // namespace nicol::session
