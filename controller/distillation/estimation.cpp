// SPDX-License-Identifier: Apache-2.0
#include "controller/distillation/estimation.hpp"

#include <fmt/core.h>

#include "controller/distillation/length_case.hpp"

namespace nicol::distillation {

/// The only maker of EstimatedBlock.
struct EstimationStage {
  static EstimatedBlock make(BitString raw, BlockFacts facts) { return {std::move(raw), std::move(facts)}; }
};

namespace {

constexpr double kQberConfidence = 1e-6;  // one-sided, DESIGN.md 6.5

Error refused(std::string message) { return {Code::bad_input, std::move(message), {}, 0, {}}; }

bool makes_key(KeyBases bases, Basis basis) { return bases == KeyBases::both || basis == Basis::rectilinear; }

/// Errors of the positions begin .. begin + count of two disclosed samples.
BasisCounts compare(const PublicBits& mine, const PublicBits& peer, std::size_t begin, std::size_t count) {
  BasisCounts counts{.bits = count, .errors = 0};
  for (std::size_t i = begin; i < begin + count; ++i) counts.errors += mine.get(i) != peer.get(i) ? 1U : 0U;
  return counts;
}

AbortReason abort_reason(const BlockFacts& facts) {
  for (const BasisCounts& sample : facts.sample) {
    const double least = binomial_lower_limit(sample.errors, sample.bits, kQberConfidence);
    if (least > facts.inputs.qber_abort) return AbortReason::qber;
  }
  for (const BasisCounts& sample : facts.sample)
    if (sample.bits == 0) return AbortReason::too_few;
  return facts.key_bits[0] + facts.key_bits[1] == 0 ? AbortReason::too_few : AbortReason::none;
}

BitString undisclosed(sifting::SiftedBlock& block, const sifting::SampleCoins& coins, KeyBases bases, Basis basis) {
  if (!makes_key(bases, basis)) return {};
  return block.bits(basis).extract(coins.sample[index(basis)].complement());
}

}  // namespace

Estimation::Estimation(sifting::SiftedBlock&& block, const sifting::SampleCoins& coins, LengthInputs inputs)
    : block_(std::move(block)),
      coins_(coins),
      inputs_(std::move(inputs)),
      mine_(sifting::disclose_sample(block_, coins_)) {}

Result<Estimation> Estimation::start(sifting::SiftedBlock&& block, const sifting::SampleCoins& coins,
                                     LengthInputs inputs) {
  for (const Basis basis : detection::kBases) {
    const std::size_t b = index(basis);
    if (coins.sample[b].size() != block.size(basis))
      return refused(fmt::format("{} sample coins for {} sifted bits", coins.sample[b].size(), block.size(basis)));
    if (!(coins.share[b] >= 0 && coins.share[b] <= 1))
      return refused(fmt::format("sample share {} is no probability", coins.share[b]));
  }
  return Estimation(std::move(block), coins, std::move(inputs));
}

Result<Estimation::Done> Estimation::step(const PublicBits& peer) && {
  if (peer.size() != mine_.size())
    return refused(fmt::format("the peer disclosed {} sample bits of {}", peer.size(), mine_.size()));
  BlockFacts facts;
  std::array<BitString, 2> raw;
  std::size_t compared = 0;
  for (const Basis basis : detection::kBases) {
    const std::size_t b = index(basis), sampled = coins_.sample[b].popcount();
    facts.sifted[b] = block_.size(basis);
    facts.sample[b] = compare(mine_, peer, compared, sampled);
    compared += sampled;
    raw[b] = undisclosed(block_, coins_, inputs_.key_bases, basis);
    facts.key_bits[b] = raw[b].size();
  }
  facts.sample_share = coins_.share;
  facts.slots_kept = block_.slots_kept_total();
  facts.inputs = std::move(inputs_);
  facts.ledger = block_.ledger();
  const std::uint64_t preparation = preparation_cost(facts.key_bits[0] + facts.key_bits[1], facts.inputs.model);
  if (preparation > 0) facts.ledger.add(sifting::LeakClass::preparation, 0, preparation);
  Done done{.block = std::nullopt, .abort = abort_reason(facts), .facts = facts};
  if (done.abort == AbortReason::none)
    done.block = EstimationStage::make(BitString::concat(raw[0], raw[1]), std::move(facts));
  return done;
}

}  // namespace nicol::distillation
