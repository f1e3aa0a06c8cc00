// SPDX-License-Identifier: Apache-2.0
// How a block or a connection ends early. Nothing here needs a tag: every path only ever destroys, and Bob's pending
// key is out of its reach.
#include <fmt/core.h>

#include "controller/session/machine.hpp"

namespace nicol::session {
namespace {

constexpr std::uint32_t kFailuresToAlarm = 3;  // DESIGN.md 6: back off and alarm

BlockReason reason_of(Code code) {
  switch (code) {
    case Code::authentication:
    case Code::protocol:
      return BlockReason::authentication;
    case Code::timeout:
    case Code::disconnected:
    case Code::refused:
    case Code::bad_input:
      return BlockReason::peer;
    case Code::cancelled:
      return BlockReason::cancelled;
    default:
      return BlockReason::device;
  }
}

/// A side that has too little light to go on with says so in the same words as an estimation would.
BlockStatus status_of(BlockReason reason) {
  return reason == BlockReason::too_few ? BlockStatus::no_key : BlockStatus::aborted;
}

/// What the peer may hear: a refusal by name, otherwise the class alone (never why a tag failed).
std::string last_words(const Error& error) {
  return error.code == Code::refused ? error.message : std::string(to_string(reason_of(error.code)));
}

}  // namespace

void Machine::alarm(std::string name, std::string what, std::string what_to_do) {
  event(EventAlarm{std::move(name), std::move(what), std::move(what_to_do)});
}

void Machine::darken(const std::string& why) {
  if (block_ && std::exchange(block_->light, false)) event(EventCloseLight{why});
}

void Machine::remember_destroyed() {
  const auto settlement = block_->auth.reservation().settlement();
  Result<void> done = store_->remember(block_->id, Verdict::Kind::destroyed, settlement);
  if (const auto own = store_->pending(); done.ok() && own && own->id == block_->id)
    done = store_->settle(block_->id, VerdictIssuer::issue(block_->id, Verdict::Kind::destroyed));
  // Not fatal: a verdict that was never written is "unknown", which means destroyed.
  if (!done) alarm("key store", describe(done.error()), "check the disk that holds the state folder");
}

BlockResult Machine::close_books(BlockStatus status, BlockReason reason, std::string detail) {
  BlockResult result = std::move(block_->result);
  result.status = status;
  result.reason = reason;
  result.detail = std::move(detail);
  result.statistics_verified = block_->auth.statistics_verified();
  if (status != BlockStatus::key) {
    result.secret_bits = 0;
    result.key_id.reset();
    result.auth_bits_replenished = 0;
    result.epsilon = {};
  }
  result.epsilon.cumulative = store_->cumulative_epsilon();
  return result;
}

void Machine::bury(BlockStatus status, BlockReason reason, std::string detail) {
  darken(detail);
  if (block_->committed && alice()) {
    end_with_key();
    return;
  }
  if (block_->committed)
    detail += fmt::format("; key {} stays pending until the next contact", distillation::to_string(block_->id));
  else if (alice())
    remember_destroyed();
  BlockResult result = close_books(status, reason, std::move(detail));
  block_.reset();
  report(std::move(result));
}

void Machine::end_block(BlockStatus status, BlockReason reason, std::string detail) {
  bury(status, reason, std::move(detail));
  enter(State::idle);
}

void Machine::report(BlockResult result) {
  failed_ = result.status == BlockStatus::aborted ? failed_ + 1 : 0;
  event(EventBlockDone{std::move(result)});
  if (failed_ != 0 && failed_ % kFailuresToAlarm == 0)
    alarm("blocks fail", fmt::format("{} blocks in a row were aborted", failed_),
          "wait before the next one; look at the reasons of the blocks: each costs authentication bits");
}

void Machine::fault(const Error& error) {
  if (state_ == State::over) return;
  const std::uint64_t number = block_ ? block_->block : last_block_.value_or(0);
  if (block_) bury(BlockStatus::aborted, reason_of(error.code), describe(error));
  finish_giving_up();
  if (link_.peer_known())
    send(FrameType::abort_block, encode(Abort{AbortKind::last_word, number, reason_of(error.code), last_words(error)}));
  close(describe(error), error.code);
}

void Machine::close(std::string why, Code code) {
  enter(State::over);
  event(EventClosed{std::move(why), code});
}

void Machine::on_timeout() {
  if (!deadlines_->passed(deadline_)) return;
  if (patience(state_) == Patience::pause) return pause_too_long();
  fault(session_error(Code::timeout, fmt::format("the peer was silent while this side was {}", to_string(state_))));
}

void Machine::on_disconnect() {
  if (state_ == State::over) return;
  if (block_) bury(BlockStatus::aborted, BlockReason::peer, "the connection was lost");
  finish_giving_up();
  enter(State::over);
}

void Machine::goodbye() {
  if (state_ == State::over || state_ == State::fresh) return;
  if (block_) bury(BlockStatus::aborted, BlockReason::cancelled, "this side ended the session");
  finish_giving_up();
  if (link_.peer_known()) send(FrameType::goodbye, {});
  close("this side ended the session", Code::cancelled);
}

void Machine::on_goodbye() {
  if (block_) bury(BlockStatus::aborted, BlockReason::peer, "the peer ended the session");
  finish_giving_up();
  close("the peer ended the session", Code::disconnected);
}

/// The peer is told and both wait for each other: what it sent meanwhile is dropped, not mistaken for the next block's.
void Machine::abort_block(BlockReason reason, std::string detail) {
  // From the accepting tag on it is not this side's to decide.
  if (!block_ || block_->committed || state_ == State::accept_wait) return;
  if (alice()) remember_destroyed();
  block_->light = false;
  const std::uint64_t number = block_->block;
  given_up_ = close_books(status_of(reason), reason, std::move(detail));
  block_.reset();
  send(FrameType::abort_block, encode(Abort{AbortKind::request, number, reason, given_up_->detail}));
  enter(State::aborting);
}

void Machine::finish_giving_up() {
  if (!given_up_) return;
  report(*std::exchange(given_up_, std::nullopt));
  enter(State::idle);
}

Result<void> Machine::on_abort(const Incoming& in) {
  const Result<Abort> m = decode_abort(in.body);
  if (!m) return m.error();
  switch (m->kind) {
    case AbortKind::acknowledgement:
      if (given_up_ && given_up_->block == m->block) finish_giving_up();
      return {};
    case AbortKind::request:
      on_abort_request(*m);
      return {};
    case AbortKind::last_word:
      break;
  }
  if (block_) bury(BlockStatus::aborted, m->reason, fmt::format("the peer: {}", m->detail));
  finish_giving_up();
  close(fmt::format("the peer closed: {}", m->detail), Code::refused);
  return {};
}

void Machine::on_abort_request(const Abort& m) {
  const bool ours = block_ && block_->block == m.block;
  if (ours && block_->committed) {
    // Nobody honest asks this now; the key is settled over a new connection.
    fault(session_error(Code::authentication, "an abort after the accepting tag"));
    return;
  }
  send(FrameType::abort_block, encode(Abort{AbortKind::acknowledgement, m.block, m.reason, {}}));
  if (ours) end_block(status_of(m.reason), m.reason, fmt::format("the peer: {}", m.detail));
}

}  // namespace nicol::session
