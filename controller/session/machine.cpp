// SPDX-License-Identifier: Apache-2.0
// Dispatch: a frame is numbered, found in the table, hashed, and given to its handler.
#include "controller/session/machine.hpp"

#include <fmt/core.h>

namespace nicol::session {
namespace {

/// ABORT and GOODBYE may cross anything, and only ever destroy: they are in no hash.
bool ends_something(FrameType type) { return type == FrameType::abort_block || type == FrameType::goodbye; }

bool pauses_light(FrameType type) {
  return type == FrameType::pause || type == FrameType::resume || type == FrameType::resume_ready;
}

}  // namespace

Error session_error(Code code, std::string message) {
  return {.code = code, .message = std::move(message), .device = {}, .cause = {}};
}

Error unauthenticated(Error error) {
  if (error.code == Code::bad_input || error.code == Code::protocol || error.code == Code::out_of_range)
    error.code = Code::authentication;
  return error;
}

OpenBlock::OpenBlock(const BlockOpen& opened, std::uint64_t run_index, Authenticator&& tags)
    : block(opened.block),
      index(run_index),
      slots(opened.agreement.block_slots),
      id(opened.id),
      agreement(opened.agreement),
      auth(std::move(tags)),
      entries(opened.agreement.block_slots) {
  result.block = block;
  result.index = index;
  result.slots = slots;
  result.auth_bits_spent = auth.reservation().bits();
}

Machine::Machine(const SessionConfig& config, Vault& vault, Random& random, secret::Arena& arena,
                 const Deadlines& deadlines, Tap* tap)
    : config_(config),
      store_(&vault),
      random_(&random),
      arena_(&arena),
      deadlines_(&deadlines),
      tap_(tap),
      link_(config_.side, deadlines, config_.agreement.tag_bits),
      failed_(config_.failed_before) {}

void Machine::enter(State next) {
  state_ = next;
  if (block_ && patience(next) != Patience::pause) block_->pauses.until.reset();
  switch (patience(next)) {
    case Patience::pause:
      // One patience for the whole pause, however often it changes its state.
      if (!block_->pauses.until) block_->pauses.until = deadlines_->in(config_.pause_patience);
      deadline_ = *block_->pauses.until;
      break;
    case Patience::endless:
      deadline_ = {};
      break;
    case Patience::light:
      deadline_ = deadlines_->in(config_.light_timeout);
      break;
    case Patience::reply:
      deadline_ = deadlines_->in(config_.reply_timeout);
      break;
  }
}

bool Machine::enter(Call call) {
  const std::optional<State> next = next_state(config_.side, state_, call);
  if (next) enter(*next);
  return next.has_value();
}

std::optional<Deadline> Machine::next_timeout() const {
  if (deadline_.at == Deadline{}.at) return std::nullopt;
  return deadline_;
}

void Machine::send(FrameType type, const Bytes& body) {
  Bytes frame = link_.make(type, body);
  if (block_ && !ends_something(type)) block_->auth.append(out_direction(), frame);
  if (find_rule(type)->trailer == Trailer::service_mac) {
    const auto mac = store_->service_mac(link_.session(), out_direction(), frame);
    frame.insert(frame.end(), mac.begin(), mac.end());
  }
  out_.send.push_back(std::move(frame));
}

Result<void> Machine::send_tagged(FrameType type, TagPurpose purpose, const Bytes& body) {
  Bytes frame = link_.make(type, body);
  block_->auth.append(out_direction(), frame);
  const Result<Bytes> tag = block_->auth.tag(purpose);
  if (!tag) return tag.error();
  frame.insert(frame.end(), tag->begin(), tag->end());
  out_.send.push_back(std::move(frame));
  return {};
}

Result<void> Machine::verify_tag(const Incoming& in, TagPurpose purpose) {
  const Result<bool> verified = block_->auth.verify(purpose, in.trailer);
  if (!verified) return verified.error();
  if (!*verified) return session_error(Code::authentication, "a tag did not verify");
  return {};
}

Result<void> Machine::check_trailer(const Incoming& in) {
  if (find_rule(in.type)->trailer != Trailer::service_mac) return {};
  if (!store_->service_mac_matches(link_.session(), in_direction(), in.canonical, in.trailer))
    return session_error(Code::authentication, "a tag did not verify");
  return {};
}

void Machine::on_frame(std::span<const std::uint8_t> frame) {
  if (state_ == State::over || state_ == State::fresh) return;
  if (Result<void> done = receive(frame); !done) fault(done.error());
}

Result<void> Machine::receive(std::span<const std::uint8_t> frame) {
  const Result<Incoming> in = link_.accept(frame);
  if (!in) return in.error();
  if (ends_something(in->type) && state_ != State::hello_wait) {
    if (in->type == FrameType::abort_block) return on_abort(*in);
    on_goodbye();
    return {};
  }
  if (state_ == State::aborting) {
    // What Alice sent before she knew is dropped; that she asks for or opens the next block says that this one is over
    // for her.
    if (in->type != FrameType::block_open && in->type != FrameType::ask_ready) return {};
    finish_giving_up();
  }
  const std::optional<State> next = next_state(config_.side, state_, in->type);
  if (!next)
    return session_error(Code::authentication, fmt::format("{} while {}", to_string(in->type), to_string(state_)));
  if (Result<void> ok = check_trailer(*in); !ok) return ok;
  if (block_) block_->auth.append(in_direction(), in->canonical);
  // What crosses a block that Bob has closed already does not lengthen anybody's patience.
  if (*next != state_ || !pauses_light(in->type)) enter(*next);
  return handle(*in);
}

Result<void> Machine::handle(const Incoming& in) {
  switch (in.type) {
    case FrameType::hello:
      return on_hello(in);
    case FrameType::marks:
      return on_marks(in);
    case FrameType::pause:
      return on_pause(in);
    case FrameType::rig_call:
      return on_rig_call(in);
    case FrameType::rig_answer:
      return on_rig_answer(in);
    default:
      return alice() ? handle_alice(in) : handle_bob(in);
  }
}

Result<void> Machine::handle_alice(const Incoming& in) {
  switch (in.type) {
    case FrameType::settle_query:
      return on_settle_query(in);
    case FrameType::settle_done:
      return block_ ? on_confirmed(in) : on_settle_done(in);
    case FrameType::rig_ready:
      return on_rig_ready(in);
    case FrameType::block_ready:
      return on_block_ready(in);
    case FrameType::hint:
      return on_hint(in);
    case FrameType::resume_ready:
      return on_resume_ready(in);
    case FrameType::detections:
      return on_detections(in);
    case FrameType::samples:
      return on_samples(in);
    case FrameType::parity_ask:
      return on_parity_ask(in);
    case FrameType::reconciled:
      return on_reconciled(in);
    case FrameType::verified:
      return on_verified(in);
    case FrameType::accept_tag:
      return on_accept_tag(in);
    default:
      throw std::logic_error("the table lets Alice take a frame that has no handler");
  }
}

Result<void> Machine::handle_bob(const Incoming& in) {
  switch (in.type) {
    case FrameType::settle_answer:
      return on_settle_answer(in);
    case FrameType::ask_ready:
      return on_ask_ready(in);
    case FrameType::block_open:
      return on_block_open(in);
    case FrameType::resume:
      return on_resume(in);
    case FrameType::closed:
      return on_closed(in);
    case FrameType::bases:
      return on_bases(in);
    case FrameType::parity_answer:
      return on_parity_answer(in);
    case FrameType::verify:
      return on_verify(in);
    case FrameType::amplify:
      return on_amplify(in);
    case FrameType::transcript_tag:
      return on_transcript_tag(in);
    case FrameType::verdict:
      return on_verdict(in);
    default:
      throw std::logic_error("the table lets Bob take a frame that has no handler");
  }
}

}  // namespace nicol::session
