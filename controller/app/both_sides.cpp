// SPDX-License-Identifier: Apache-2.0
#include "controller/app/both_sides.hpp"

#include <chrono>

namespace nicol::app {

using namespace distillation;

Result<PairEstimate> estimate_pair(detection::Clicks&& alice, detection::Clicks&& bob, const CoinsFor& coins_for,
                                   const LengthInputs& inputs) {
  const std::size_t n = alice.slots.size();
  auto a = sifting::sift_alice(std::move(alice), n, n, sifting::announce(bob));
  if (!a) return std::move(a).error();
  auto b = sifting::sift_bob(std::move(bob), a->reply);
  if (!b) return std::move(b).error();
  const auto coins = coins_for(a->block);
  auto at_alice = Estimation::start(std::move(a->block), coins, inputs);
  auto at_bob = Estimation::start(std::move(b->block), coins, inputs);
  if (!at_alice) return std::move(at_alice).error();
  if (!at_bob) return std::move(at_bob).error();
  const PublicBits from_alice = at_alice->ask(), from_bob = at_bob->ask();
  auto done_alice = std::move(*at_alice).step(from_bob);
  auto done_bob = std::move(*at_bob).step(from_alice);
  if (!done_alice) return std::move(done_alice).error();
  if (!done_bob) return std::move(done_bob).error();
  PairEstimate e{std::nullopt, done_alice->abort, done_alice->facts};
  if (done_alice->block && done_bob->block)
    e.blocks = EstimatedPair{*std::move(done_alice->block), *std::move(done_bob->block)};
  return e;
}

Result<ReconciledPair> reconcile_pair(EstimatedPair&& blocks, const CascadePlan& plan) {
  auto arena = secret::Arena::create(2 * cascade_scratch_bytes(plan.bits) + 4096);
  if (!arena) return std::move(arena).error();
  const auto start = std::chrono::steady_clock::now();
  auto alice = CascadeAnswerer::start(std::move(blocks.alice), plan, *arena);
  auto bob = CascadeCorrector::start(std::move(blocks.bob), plan, *arena);
  if (!alice) return std::move(alice).error();
  if (!bob) return std::move(bob).error();
  std::uint32_t rounds = 0;
  for (; !bob->done(); ++rounds) {
    auto answer = alice->answer(bob->ask());
    if (!answer) return std::move(answer).error();
    if (auto r = bob->step(*answer); !r) return std::move(r).error();
  }
  const std::uint64_t errors = bob->errors_corrected();
  auto corrected = std::move(*bob).finish();
  auto answered = std::move(*alice).finish(errors);
  if (!corrected) return std::move(corrected).error();
  if (!answered) return std::move(answered).error();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::uint64_t parities = answered->facts().ledger.disclosed(sifting::LeakClass::reconciliation);
  return ReconciledPair{*std::move(answered), *std::move(corrected), errors, parities, rounds, seconds};
}

}  // namespace nicol::app
