// SPDX-License-Identifier: Apache-2.0
// Bob from asking parities to the key: he corrects, compares the hash, and makes sure that Alice's length, split and
// check value are his own.
#include <fmt/core.h>

#include "controller/session/machine.hpp"

namespace nicol::session {

Result<void> Machine::ask_or_finish() {
  if (!block_->corrector->done()) {
    ++block_->result.rounds;
    send(FrameType::parity_ask, encode(block_->corrector->ask()));
    return {};
  }
  const Reconciled m{block_->corrector->errors_corrected()};
  Result<distillation::ReconciledBlock> reconciled = std::move(*block_->corrector).finish();
  block_->corrector.reset();
  if (!reconciled) return reconciled.error();
  note_reconciled(reconciled->facts());
  block_->reconciled = *std::move(reconciled);
  send(FrameType::reconciled, encode(m));
  enter(State::verify_wait);
  return {};
}

Result<void> Machine::on_parity_answer(const Incoming& in) {
  const auto answer = decode_parity_answer(in.body, block_->corrector->ask().ranges.size());
  if (!answer) return answer.error();
  if (Result<void> taken = block_->corrector->step(*answer); !taken) return unauthenticated(taken.error());
  return ask_or_finish();
}

Result<void> Machine::on_verify(const Incoming& in) {
  const auto m = decode_verify(in.body, block_->agreement.verification_bits);
  if (!m) return m.error();
  Result<distillation::VerificationOutcome> outcome =
      distillation::check_verification(*std::move(block_->reconciled), *m);
  block_->reconciled.reset();
  if (!outcome) return unauthenticated(outcome.error());
  send(FrameType::verified, encode(outcome->block ? Equality::equal : Equality::different));
  if (!outcome->block) return end_without_key(unequal());
  block_->verified = std::move(outcome->block);
  return {};
}

Result<void> Machine::on_amplify(const Incoming& in) {
  const Result<Amplify> m = decode_amplify(in.body, block_->verified->size());
  if (!m) return m.error();
  const Result<bool> key = length_gives_key(block_->verified->facts());
  if (!key) return key.error();
  const distillation::LengthDecision& decision = *block_->result.length;
  if (m->output_bits != (*key ? decision.output_bits : 0))
    return session_error(Code::authentication,
                         fmt::format("length: peer has {}, this side {}", m->output_bits, decision.output_bits));
  if (!*key) return end_without_key(lengthless());
  block_->split = keystore::split_key(decision.secret_bits, store_->pools(), block_->agreement.pools);
  if (m->split != block_->split)
    return session_error(Code::authentication, "the two sides would split the key differently");
  const std::size_t scratch =
      distillation::toeplitz_scratch_words(block_->verified->size(), decision.output_bits) * sizeof(std::uint64_t);
  if (Result<void> fits = fits_arena(scratch); !fits) return fits;
  Result<distillation::PendingKey> made =
      distillation::amplify(*std::move(block_->verified), decision, m->seed, block_->id, *arena_);
  block_->verified.reset();
  if (!made) return unauthenticated(made.error());
  if (made->record().check != m->check) return session_error(Code::authentication, "the check values differ");
  block_->key = *std::move(made);
  return {};
}

}  // namespace nicol::session
