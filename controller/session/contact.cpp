// SPDX-License-Identifier: Apache-2.0
// Contact: HELLO both ways, MARKS both ways under the session MAC. No block and no settlement before both are in.
#include <algorithm>

#include "controller/session/machine.hpp"

namespace nicol::session {

Hello Machine::own_hello() const {
  Hello m;
  store_->fill_from_os(std::as_writable_bytes(std::span(m.half)));
  m.side = config_.side;
  m.preshared_fingerprint = store_->preshared_fingerprint();
  m.pool_class = store_->pool_class();
  m.origin = config_.origin;
  m.receiver = config_.receiver;
  m.agreement = config_.agreement;
  m.model = config_.model;
  return m;
}

void Machine::start() {
  if (state_ != State::fresh) return;
  if (const auto why = unusable(config_, store_->pool_class())) return close(*why, Code::refused);
  if (Result<void> recovered = alice() ? recover_own_pending() : Result<void>{}; !recovered)
    return close(describe(recovered.error()), recovered.error().code);
  own_ = own_hello();
  link_.set_own_half(own_.half);
  enter(State::hello_wait);
  send(FrameType::hello, encode(own_));
  own_hello_frame_ = out_.send.back();
}

Result<void> Machine::on_hello(const Incoming& in) {
  const Result<Hello> hello = decode_hello(in.body);
  if (!hello) return hello.error();
  peer_ = *hello;
  if (peer_.half == own_.half)
    return session_error(Code::authentication, "this side's own HELLO came back (reflection)");
  const bool conceivable = peer_.protocol == kProtocolVersion && peer_.side != config_.side;
  if (conceivable) link_.set_peer_half(peer_.half);  // so that a refusal can be told
  if (const auto why = refusal(peer_, own_)) return session_error(Code::refused, *why);
  const Result<FrameHeader> header = parse_header(in.canonical);
  if (header->direction != in_direction()) return session_error(Code::authentication, "a HELLO of the wrong direction");
  peer_hello_frame_.assign(in.canonical.begin(), in.canonical.end());

  MarksMessage m{store_->marks(), std::nullopt};
  if (const auto pending = store_->pending(); pending && !alice()) m.pending = pending->id;
  send(FrameType::marks, encode(m));
  return {};
}

Result<void> Machine::on_marks(const Incoming& in) {
  const Result<MarksMessage> m = decode_marks(in.body);
  if (!m) return m.error();
  if (Result<void> moved = store_->advance_marks(m->marks, worst_reservation_bits(config_.agreement)); !moved) {
    alarm("pool marks", describe(moved.error()),
          "a node's state was restored from a copy or the pre-shared keys diverged: make a new pre-shared key");
    return moved;
  }
  if (!alice()) return ask_settlement();
  if (Result<void> confirmed = confirm_all_but(m->pending); !confirmed) return confirmed;
  peer_pending_ = m->pending;
  if (peer_pending_)
    enter(State::query_wait);
  else
    peer_ready();
  return {};
}

/// Bob has at most one key in doubt: every other verdict has done its work.
Result<void> Machine::confirm_all_but(const std::optional<KeyId>& pending) {
  for (const auto& known : store_->remembered())
    if (known.id != pending)
      if (Result<void> done = store_->forget(known.id); !done) return done;
  return {};
}

void Machine::peer_ready() { event(EventPeerReady{}); }

}  // namespace nicol::session
