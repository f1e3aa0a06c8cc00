// SPDX-License-Identifier: Apache-2.0
// Reconciled to verified: an almost-universal hash (polynomial over GF(2^128), truncated) whose key is drawn after
// reconciliation; Alice's tag goes to Bob. True collision bound for this n <= eps_EV, else refused.
#pragma once

#include <array>

#include "controller/distillation/blocks.hpp"

namespace nicol::distillation {

struct VerificationMessage {
  std::array<std::uint8_t, 16> key{};
  std::array<std::uint8_t, 16> tag{};  // first tag_bits/8 bytes
  std::uint32_t tag_bits = 64;
  bool operator==(const VerificationMessage&) const = default;
};
/// P[equal tags | different strings] for n bits and this tag.
double verification_collision(std::uint64_t bits, unsigned tag_bits) noexcept;

/// Alice: makes the message and enters it in the ledger; her block waits for Bob's word.
class VerificationProver {
 public:
  static Result<VerificationProver> start(ReconciledBlock&& block, Random& random, std::uint64_t block_index);
  const VerificationMessage& message() const { return message_; }
  /// Bob's word that the tags agree.
  VerifiedBlock accept() &&;

 private:
  VerificationProver(ReconciledBlock&& block, VerificationMessage message);
  ReconciledBlock block_;
  VerificationMessage message_;
};
struct VerificationOutcome {
  std::optional<VerifiedBlock> block;
};
/// Bob: empty when the tags differ (the block is gone).
Result<VerificationOutcome> check_verification(ReconciledBlock&& block, const VerificationMessage& message);

}  // namespace nicol::distillation
