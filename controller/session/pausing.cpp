// SPDX-License-Identifier: Apache-2.0
// A glitch pauses the light, not the block. Pausing and going on are hashed like every frame of the block; before its
// tags verify they do nothing lasting: light waits, and slots are dropped from a block that dies if they were forged.
#include <fmt/core.h>

#include <algorithm>

#include "controller/session/machine.hpp"

namespace nicol::session {

void Machine::pause(std::uint64_t from_slot, PauseReason reason) {
  if (!next_state(config_.side, state_, Call::pause)) return;
  if (block_->pauses.sent == kMaxPauses) {
    darken("too many pauses");
    return abort_block(BlockReason::device, fmt::format("more than {} pauses in one block", kMaxPauses));
  }
  ++block_->pauses.sent;
  block_->pauses.under_way = true;
  enter(Call::pause);
  send(FrameType::pause, encode(Pause{std::min(from_slot, block_->slots), reason}));
}

Result<void> Machine::on_pause(const Incoming& in) {
  const Result<Pause> m = decode_pause(in.body, block_->slots);
  if (!m) return m.error();
  if (shares_pairs()) return session_error(Code::authentication, "a PAUSE where pairs are shared");
  if (++block_->pauses.received > kMaxPauses) return session_error(Code::authentication, "a PAUSE too many");
  if (state_ == State::bases_wait) return {};
  if (state_ == State::list_wait) {
    offer(block_->slots);
    return {};
  }
  block_->pauses.under_way = true;
  event(EventPauseLight{m->from_slot, m->reason});
  return {};
}

void Machine::offer(std::uint64_t first_slot) {
  block_->pauses.offered = first_slot;
  send(FrameType::resume, encode(Resume{first_slot}));
}

/// A slot below an earlier one would be numbered twice: a bug of this node's own.
void Machine::resume(std::uint64_t first_slot) {
  if (!next_state(config_.side, state_, Call::resume)) return;
  if (first_slot > block_->slots || first_slot < block_->pauses.least_slot)
    return fault(session_error(Code::internal, fmt::format("light cannot go on at slot {}", first_slot)));
  block_->pauses.least_slot = first_slot;
  enter(Call::resume);
  preamble_at(first_slot);
  offer(first_slot);
}

Result<void> Machine::on_resume(const Incoming& in) {
  const Result<Resume> m = decode_resume(in.body, block_->slots);
  if (!m) return m.error();
  if (shares_pairs()) return session_error(Code::authentication, "a RESUME where pairs are shared");
  // He has closed: his list says that everything else is dropped.
  if (state_ == State::bases_wait) return {};
  if (m->first_slot < block_->pauses.least_slot) return session_error(Code::authentication, "a RESUME that goes back");
  block_->pauses.least_slot = m->first_slot;
  // Before he heard of her pause he may have taken slots for empty that she never showed: where the block is nearly
  // over he goes by time alone. He cannot take light for them any more, so for him the block ends here; his list says
  // so.
  const bool over = m->first_slot < block_->hinted_slots;
  block_->pauses.offered = over ? std::nullopt : std::optional(m->first_slot);
  if (!over) preamble_at(m->first_slot);
  event(EventPrepareLight{over ? block_->slots : m->first_slot});
  return {};
}

void Machine::resumed() {
  if (!enter(Call::resumed)) return;
  block_->pauses.under_way = false;
  if (block_->pauses.offered) send(FrameType::resume_ready, encode(Resume{*block_->pauses.offered}));
}

Result<void> Machine::on_resume_ready(const Incoming& in) {
  const Result<Resume> m = decode_resume(in.body, block_->slots);
  if (!m) return m.error();
  if (std::exchange(block_->pauses.offered, std::nullopt) != m->first_slot)
    return session_error(Code::authentication, "a RESUME_READY that nobody asked for");
  if (state_ == State::list_wait) return {};
  block_->pauses.under_way = false;
  event(EventResumeLight{m->first_slot});
  return {};
}

void Machine::pause_too_long() {
  const auto seconds = std::chrono::duration<double>(config_.pause_patience).count();
  darken("light paused for too long");
  abort_block(BlockReason::device, fmt::format("light paused for more than {:.1f} s", seconds));
}

}  // namespace nicol::session
