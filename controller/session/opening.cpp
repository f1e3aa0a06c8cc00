// SPDX-License-Identifier: Apache-2.0
// A block opens: Bob is asked whether his rig stands, since a block costs pads whatever becomes of it; then everything
// that shapes it is fixed, its tags are reserved on both sides and its id is remembered, durably, before the first
// photon.
#include <fmt/core.h>

#include "controller/session/machine.hpp"

namespace nicol::session {
namespace {

using keystore::Interval;
using keystore::Pool;

KeyId fresh_key_id(Vault& vault) {
  KeyId id;
  vault.fill_from_os(std::as_writable_bytes(std::span(id.bytes)));
  return id;
}

std::uint64_t mark_of(Vault& store, Pool pool) { return store.marks()[static_cast<std::size_t>(pool)]; }

}  // namespace

void Machine::ask_ready() {
  if (enter(Call::ask_ready)) send(FrameType::ask_ready, {});
}

Result<void> Machine::on_ask_ready(const Incoming& in) {
  if (Result<void> empty = decode_empty(in.body, in.type); !empty) return empty;
  event(EventAskReady{});
  return {};
}

void Machine::rig_ready(std::string why_not) {
  if (enter(Call::rig_ready)) send(FrameType::rig_ready, encode(RigReady{std::move(why_not)}));
}

Result<void> Machine::on_rig_ready(const Incoming& in) {
  Result<RigReady> m = decode_rig_ready(in.body);
  if (!m) return m.error();
  event(EventRigReady{std::move(m->why_not)});
  return {};
}

void Machine::rig_call(const Bytes& call) {
  if (enter(Call::rig_call)) send(FrameType::rig_call, call);
}

void Machine::rig_answer(const Bytes& answer) {
  if (enter(Call::rig_answer)) send(FrameType::rig_answer, answer);
}

/// What it says is the service's business: it is from the peer, and the next in its row.
Result<void> Machine::on_rig_call(const Incoming& in) {
  event(EventRigCall{Bytes(in.body.begin(), in.body.end())});
  return {};
}

Result<void> Machine::on_rig_answer(const Incoming& in) {
  event(EventRigAnswer{Bytes(in.body.begin(), in.body.end())});
  return {};
}

Result<BlockOpen> Machine::prepare_block() {
  for (const keystore::PoolStatus& pool : store_->pools()) {
    const std::uint64_t bits = reservation_bits(config_.agreement, pool.pool);
    if ((pool.pool == Pool::auth_ab || pool.pool == Pool::auth_ba) && pool.available() < bits)
      return session_error(Code::exhausted, fmt::format("pool {} holds {} bits, a block needs {}",
                                                        keystore::to_string(pool.pool), pool.available(), bits));
  }
  BlockOpen m;
  m.agreement = config_.agreement;
  m.id = fresh_key_id(*store_);
  const Result<std::uint64_t> number = store_->next_block();
  if (!number) return number.error();
  m.block = *number;
  const Result<Interval> ab = store_->reserve(Pool::auth_ab, reservation_bits(m.agreement, Pool::auth_ab));
  if (!ab) return ab.error();
  const Result<Interval> ba = store_->reserve(Pool::auth_ba, reservation_bits(m.agreement, Pool::auth_ba));
  if (!ba) return ba.error();
  m.auth_ab = *ab;
  m.auth_ba = *ba;
  const Reservation reservation{m.auth_ab, m.auth_ba, m.agreement.tag_bits};
  if (Result<void> known = store_->remember(m.id, std::nullopt, reservation.settlement()); !known) return known.error();
  return m;
}

void Machine::open_block() {
  if (!next_state(config_.side, state_, Call::open_block)) return;
  const Result<BlockOpen> m = prepare_block();
  if (!m) {
    if (m.error().code == Code::exhausted)
      alarm("authentication pool", describe(m.error()), "make a new pre-shared key on both nodes");
    return fault(m.error());
  }
  enter(Call::open_block);
  begin(*m);
  if (const Result<void> made = make_public_slots(); !made) return fault(made.error());
  send(FrameType::block_open, encode(*m));
}

void Machine::begin(const BlockOpen& m) {
  const bool mine = alice();
  const ByteSpan alice_hello = mine ? own_hello_frame_ : peer_hello_frame_;
  const ByteSpan bob_hello = mine ? peer_hello_frame_ : own_hello_frame_;
  const Reservation reservation{m.auth_ab, m.auth_ba, m.agreement.tag_bits};
  block_.emplace(m, config_.blocks_before + blocks_opened_,
                 Authenticator(*store_, reservation, alice_hello, bob_hello));
  ++blocks_opened_;
  last_block_ = m.block;
}

/// Why Bob will not have this block; nothing is consumed then.
std::optional<std::string> Machine::refuses(const BlockOpen& m) const {
  Agreement as_said_at_hello = peer_.agreement;
  as_said_at_hello.block_slots = m.agreement.block_slots;
  if (auto why = weaker(m.agreement, config_.agreement)) return why;
  if (auto why = weaker(m.agreement, as_said_at_hello)) return why;
  if (auto why = weaker(as_said_at_hello, m.agreement)) return why;
  if (last_block_ && m.block <= *last_block_)
    return fmt::format("block number: peer has {}, this side saw {}", m.block, *last_block_);
  if (m.agreement.block_slots == 0 || m.agreement.block_slots > config_.maximum_block_slots)
    return fmt::format("block_slots: peer has {}, this side allows 1 to {}", m.agreement.block_slots,
                       config_.maximum_block_slots);
  if (m.agreement.protocol == Protocol::bbm92 && closed_ticks(m.agreement) == 0)
    return fmt::format("block_slots: {} of {} ps are longer than a block of pairs may be", m.agreement.block_slots,
                       m.agreement.pairs.slot_period.count);
  if (const auto& p = m.agreement.public_slots)
    if (const auto made = pattern_for(*p, m.block, m.agreement.block_slots); !made) return made.error().message;
  for (const auto& [pool, interval] : {std::pair{Pool::auth_ab, m.auth_ab}, std::pair{Pool::auth_ba, m.auth_ba}}) {
    const std::uint64_t bits = reservation_bits(m.agreement, pool);
    if (interval.size() != bits)
      return fmt::format("reservation of {}: peer has {} bits, {} expected", keystore::to_string(pool), interval.size(),
                         bits);
    if (interval.begin < mark_of(*store_, pool))
      return fmt::format("reservation of {}: peer begins at {}, this side used up to {}", keystore::to_string(pool),
                         interval.begin, mark_of(*store_, pool));
  }
  return std::nullopt;
}

Result<void> Machine::on_block_open(const Incoming& in) {
  const Result<BlockOpen> m = decode_block_open(in.body);
  if (!m) return m.error();
  if (const auto why = refuses(*m)) {
    alarm("block refused", *why, "compare the two nodes' configurations");
    return session_error(Code::refused, *why);
  }
  if (Result<void> ab = store_->accept_reservation(Pool::auth_ab, m->auth_ab); !ab) return ab;
  if (Result<void> ba = store_->accept_reservation(Pool::auth_ba, m->auth_ba); !ba) return ba;
  begin(*m);
  if (Result<void> made = make_public_slots(); !made) return made;
  block_->auth.append(in_direction(), in.canonical);
  block_->light = true;
  event(EventOpenLight{block_->block, block_->slots, block_->index, block_->pattern});
  return {};
}

void Machine::receiver_ready() {
  if (!enter(Call::receiver_ready)) return;
  if (shares_pairs()) enter(State::measuring);
  send(FrameType::block_ready, encode(BlockReady{block_->block}));
}

/// That Bob is ready says that he holds no key in doubt: older verdicts are confirmed.
Result<void> Machine::on_block_ready(const Incoming& in) {
  const Result<BlockReady> m = decode_block_ready(in.body);
  if (!m) return m.error();
  if (m->block != block_->block) return session_error(Code::authentication, "BLOCK_READY for another block");
  if (Result<void> confirmed = confirm_all_but(block_->id); !confirmed) return confirmed;
  if (shares_pairs()) enter(State::measuring);
  block_->light = true;
  event(EventOpenLight{block_->block, block_->slots, block_->index, block_->pattern});
  return {};
}

}  // namespace nicol::session
