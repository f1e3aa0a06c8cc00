// SPDX-License-Identifier: Apache-2.0
// Reconciliation by Cascade (Brassard-Salvail 1993) on flat arrays: prefix parities of packed permuted copies, all open
// binary searches of a round side by side. Bob asks, Alice answers; two resumable values, no wire.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "controller/distillation/blocks.hpp"
#include "controller/secret/arena.hpp"

namespace nicol::distillation {

/// Both sides must use the same; the seed is public, drawn by Alice after D.
struct CascadePlan {
  std::uint64_t bits = 0;
  double qber = 0.02;  // expected, from the sample; sets the block sizes
  std::uint64_t permutation_seed = 0;
  bool operator==(const CascadePlan&) const = default;
};

/// What both sides derive alike: the QBER is that of the key bases' samples, with a floor for samples without errors.
CascadePlan cascade_plan(const BlockFacts& facts, std::uint64_t bits, std::uint64_t seed);
/// f_EC = leak_EC / (n h(e/n)) with the errors that were really corrected; empty before, and where there were none.
std::optional<double> reconciliation_efficiency(std::uint64_t parity_bits, const BlockFacts& facts);

/// Ranges of permuted positions whose parity is wanted; pass 0 is unpermuted, 1 and 2 are shuffles, later ones random
/// subsets (positions count their members). Packed on the wire by the session.
struct ParityRange {
  std::uint32_t pass = 0, begin = 0, end = 0;
  bool operator==(const ParityRange&) const = default;
};
struct CascadeAsk {
  std::uint32_t round = 0;
  std::vector<ParityRange> ranges;
};
struct CascadeAnswer {
  std::uint32_t round = 0;
  PublicBits parities;
};

/// Bob's side. The arena is not used: what a block needs lives as long as the value does (cascade_scratch_bytes).
class CascadeCorrector {
 public:
  static Result<CascadeCorrector> start(EstimatedBlock&& block, CascadePlan plan, secret::Arena& arena);
  CascadeCorrector(CascadeCorrector&&) noexcept;
  CascadeCorrector& operator=(CascadeCorrector&&) noexcept;
  ~CascadeCorrector();
  /// Empty ranges: done. The first ask follows start() at once.
  const CascadeAsk& ask() const;
  /// bad_input: not the answer to ask(). exhausted: the strings differ too much; the block is lost.
  Result<void> step(const CascadeAnswer& answer);
  bool done() const;
  std::uint64_t errors_corrected() const;
  Result<ReconciledBlock> finish() &&;

 private:
  struct Impl;
  explicit CascadeCorrector(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Alice's side: a pure function of (block, ask) plus the count of what was asked. bad_input on an ask that no honest
/// corrector sends (range outside the block, round out of order, more than the plan's bound of parities).
class CascadeAnswerer {
 public:
  static Result<CascadeAnswerer> start(EstimatedBlock&& block, CascadePlan plan, secret::Arena& arena);
  CascadeAnswerer(CascadeAnswerer&&) noexcept;
  CascadeAnswerer& operator=(CascadeAnswerer&&) noexcept;
  ~CascadeAnswerer();
  Result<CascadeAnswer> answer(const CascadeAsk& ask);
  /// Bob said he is done, having corrected so many errors.
  Result<ReconciledBlock> finish(std::uint64_t errors_corrected) &&;

 private:
  struct Impl;
  explicit CascadeAnswerer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Locked bytes one side holds for n bits while it reconciles, beside the arena: the raw key (moved in) and a permuted
/// copy for each of two shuffles. Permutations are public and stand in ordinary memory (8 bytes a bit at Bob).
std::size_t cascade_scratch_bytes(std::uint64_t bits);

}  // namespace nicol::distillation
