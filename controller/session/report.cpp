// SPDX-License-Identifier: Apache-2.0
// What a block came to: the decisions both sides take alike from public facts, and the result the caller is told.
#include <fmt/core.h>

#include <algorithm>

#include "controller/session/machine.hpp"

namespace nicol::session {
namespace {

using distillation::AbortReason;
using distillation::BlockFacts;

/// These two say that no proof covers the rig; any other abort is a bound that gives nothing.
bool no_proof(const std::string& abort) {
  return abort.starts_with("no proof") || abort.starts_with("preparation outside the proof");
}

}  // namespace

std::string_view to_string(Protocol p) noexcept { return p == Protocol::bb84 ? "bb84" : "bbm92"; }

std::string_view to_string(BlockStatus s) noexcept {
  constexpr std::array<std::string_view, 3> names{"key", "no_key", "aborted"};
  return names[static_cast<std::size_t>(s)];
}

std::string_view to_string(BlockReason r) noexcept {
  constexpr std::array<std::string_view, 10> names{"none",    "qber",     "authentication", "monitor", "verification",
                                                   "too_few", "no_proof", "peer",           "device",  "cancelled"};
  return names[static_cast<std::size_t>(r)];
}

std::string_view to_string(PauseReason r) noexcept {
  constexpr std::array<std::string_view, 3> names{"a cable is out", "a setting is not confirmed",
                                                  "a device did not keep up"};
  return names[static_cast<std::size_t>(r)];
}

Result<void> Machine::fits_arena(std::size_t bytes) const {
  if (bytes <= arena_->capacity()) return {};
  return session_error(Code::locked_memory,
                       fmt::format("a block of {} raw bits needs {} bytes of locked scratch, this node "
                                   "has {}: open smaller blocks or allow more locked memory",
                                   block_->raw_bits, bytes, arena_->capacity()));
}

std::optional<OpenBlock::Ending> Machine::fails_estimation(const distillation::Estimation::Done& done) {
  using Ending = OpenBlock::Ending;
  block_->result.facts = done.facts;
  switch (done.abort) {
    case AbortReason::qber:
      return Ending{BlockStatus::aborted, BlockReason::qber, "the error rate of the sample is too high"};
    case AbortReason::no_proof:
      return Ending{BlockStatus::no_key, BlockReason::no_proof, "no proof covers this rig"};
    case AbortReason::too_few:
      return Ending{BlockStatus::no_key, BlockReason::too_few, "too few sifted bits"};
    case AbortReason::none:
      break;
  }
  if (done.block && done.facts.key_bits[0] + done.facts.key_bits[1] >= block_->agreement.minimum_key_bits)
    return std::nullopt;
  return Ending{BlockStatus::no_key, BlockReason::too_few, "fewer sifted key bits than a block must have"};
}

void Machine::note_reconciled(const BlockFacts& facts) {
  BlockResult& result = block_->result;
  result.facts = facts;
  result.parity_bits = facts.ledger.disclosed(sifting::LeakClass::reconciliation);
  result.f_ec = distillation::reconciliation_efficiency(result.parity_bits, facts);
}

Result<bool> Machine::length_gives_key(const BlockFacts& facts) {
  block_->result.facts = facts;
  Result<distillation::LengthDecision> decision = distillation::decide_length(facts);
  if (!decision) return decision.error();
  block_->result.length = *std::move(decision);
  return block_->result.length->secret_bits > 0;
}

OpenBlock::Ending Machine::lengthless() const {
  const std::string& abort = block_->result.length->length.abort;
  return {BlockStatus::no_key, no_proof(abort) ? BlockReason::no_proof : BlockReason::too_few,
          abort.empty() ? "the length leaves no key" : abort};
}

/// The tag's pad is spent with the reservation anyhow. With it Bob knows that the errors he counted are those of the
/// link and not of the wire, and may turn his plates by them.
Result<void> Machine::end_without_key(OpenBlock::Ending ending) {
  if (!alice()) {
    block_->ending = std::move(ending);
    enter(State::transcript_wait);
    return {};
  }
  if (Result<void> sent = send_tagged(FrameType::transcript_tag, TagPurpose::transcript, {}); !sent) return sent;
  end_block(ending.status, ending.reason, std::move(ending.detail));
  return {};
}

/// Once the transcript tag is there every later length is known, so both sides write the same record.
void Machine::complete_record() {
  distillation::KeyRecord& record = block_->key->record();
  record.block = block_->block;
  record.origin = config_.origin;
  distillation::EpsilonRecord& e = record.epsilon;
  e.auth = block_->auth.forgery_probability();
  e.total = e.sec + e.cor + e.auth;
  e.cumulative = store_->cumulative_epsilon() + e.total;

  BlockResult& result = block_->result;
  result.epsilon = e;
  result.secret_bits = record.secret_bits;
  result.key_id = record.id;
  result.check = record.check;
  result.auth_bits_replenished = block_->split.pools[static_cast<std::size_t>(keystore::Pool::auth_ab)] +
                                 block_->split.pools[static_cast<std::size_t>(keystore::Pool::auth_ba)];
}

void Machine::end_with_key() {
  BlockResult result = close_books(BlockStatus::key, BlockReason::none, {});
  block_.reset();
  report(std::move(result));
}

}  // namespace nicol::session
