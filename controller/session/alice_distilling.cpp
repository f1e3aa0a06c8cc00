// SPDX-License-Identifier: Apache-2.0
// Alice from answering parities to the key: her word on the hash, the length, the seed and the split.
#include "controller/session/machine.hpp"

namespace nicol::session {

Result<void> Machine::on_parity_ask(const Incoming& in) {
  const Result<distillation::CascadeAsk> ask = decode_parity_ask(in.body, block_->raw_bits);
  if (!ask) return ask.error();
  const Result<distillation::CascadeAnswer> answer = block_->answerer->answer(*ask);
  if (!answer) return unauthenticated(answer.error());
  ++block_->result.rounds;
  send(FrameType::parity_answer, encode(*answer));
  return {};
}

Result<void> Machine::on_reconciled(const Incoming& in) {
  const Result<Reconciled> m = decode_reconciled(in.body, block_->raw_bits);
  if (!m) return m.error();
  Result<distillation::ReconciledBlock> reconciled = std::move(*block_->answerer).finish(m->errors);
  block_->answerer.reset();
  if (!reconciled) return unauthenticated(reconciled.error());
  note_reconciled(reconciled->facts());
  auto prover = distillation::VerificationProver::start(*std::move(reconciled), *random_, block_->index);
  if (!prover) return prover.error();
  send(FrameType::verify, encode(prover->message()));
  block_->prover = *std::move(prover);
  return {};
}

Result<void> Machine::on_verified(const Incoming& in) {
  const Result<Equality> m = decode_verified(in.body);
  if (!m) return m.error();
  if (*m == Equality::different) return end_without_key(unequal());
  block_->verified = std::move(*block_->prover).accept();
  block_->prover.reset();
  const Result<bool> key = length_gives_key(block_->verified->facts());
  if (!key) return key.error();
  if (*key) return make_key();
  send(FrameType::amplify, encode(Amplify{}));
  return end_without_key(lengthless());
}

Result<void> Machine::make_key() {
  const distillation::LengthDecision& decision = *block_->result.length;
  Amplify m;
  m.output_bits = decision.output_bits;
  m.seed = distillation::draw_seed(block_->verified->size() + m.output_bits - 1, *random_, block_->index);
  const std::size_t scratch =
      distillation::toeplitz_scratch_words(block_->verified->size(), decision.output_bits) * sizeof(std::uint64_t);
  if (Result<void> fits = fits_arena(scratch); !fits) return fits;
  Result<distillation::PendingKey> key =
      distillation::amplify(*std::move(block_->verified), decision, m.seed, block_->id, *arena_);
  block_->verified.reset();
  if (!key) return key.error();
  m.check = key->record().check;
  m.split = keystore::split_key(decision.secret_bits, store_->pools(), block_->agreement.pools);
  block_->split = m.split;
  block_->key = *std::move(key);
  send(FrameType::amplify, encode(m));
  if (Result<void> sent = send_tagged(FrameType::transcript_tag, TagPurpose::transcript, {}); !sent) return sent;
  complete_record();
  return {};
}

}  // namespace nicol::session
