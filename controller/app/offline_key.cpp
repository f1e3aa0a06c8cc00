// SPDX-License-Identifier: Apache-2.0
#include "controller/app/offline_key.hpp"

#include <algorithm>
#include <numeric>

#include "controller/distillation/cascade.hpp"
#include "controller/distillation/verification.hpp"

namespace nicol::app {
namespace {

using namespace distillation;
using secret::BitCollector;

constexpr std::uint64_t kFewestKeyBits = 64;
constexpr double kLeastQber = 0.005, kMostQber = 0.25;  // that Cascade is told

struct Both {
  EstimatedBlock alice, bob;
};
struct Estimated {
  std::optional<Both> blocks;
  AbortReason abort = AbortReason::none;
  BlockFacts facts;
};

Result<Estimated> estimate(detection::Clicks&& alice, detection::Clicks&& bob, const LengthInputs& inputs,
                           const sifting::SamplePlan& plan, Random& random) {
  const std::size_t n = alice.slots.size();
  auto a = sifting::sift_alice(std::move(alice), n, n, sifting::announce(bob));
  if (!a) return std::move(a).error();
  auto b = sifting::sift_bob(std::move(bob), a->reply);
  if (!b) return std::move(b).error();
  const auto coins = sifting::draw_coins(a->block, plan, random, 0);
  auto at_alice = Estimation::start(std::move(a->block), coins, inputs);
  auto at_bob = Estimation::start(std::move(b->block), coins, inputs);
  if (!at_alice) return std::move(at_alice).error();
  if (!at_bob) return std::move(at_bob).error();
  const PublicBits from_alice = at_alice->ask(), from_bob = at_bob->ask();
  auto done_alice = std::move(*at_alice).step(from_bob);
  auto done_bob = std::move(*at_bob).step(from_alice);
  if (!done_alice) return std::move(done_alice).error();
  if (!done_bob) return std::move(done_bob).error();
  Estimated e{std::nullopt, done_alice->abort, done_alice->facts};
  if (done_alice->block && done_bob->block) e.blocks = Both{*std::move(done_alice->block), *std::move(done_bob->block)};
  return e;
}

CascadePlan plan_of(const BlockFacts& facts, std::uint64_t bits) {
  double errors = 0, sampled = 0;
  for (std::size_t b = 0; b < 2; ++b) {
    if (facts.key_bits[b] == 0) continue;
    errors += static_cast<double>(facts.sample[b].errors);
    sampled += static_cast<double>(facts.sample[b].bits);
  }
  return {bits, std::clamp(sampled == 0 ? 0.0 : errors / sampled, kLeastQber, kMostQber), os_random_word()};
}

struct Reconciled {
  ReconciledBlock alice, bob;
};

Result<Reconciled> reconcile(Both blocks, const CascadePlan& plan, OfflineResult& result) {
  auto arena = secret::Arena::create(2 * cascade_scratch_bytes(plan.bits) + 4096);
  if (!arena) return std::move(arena).error();
  auto alice = CascadeAnswerer::start(std::move(blocks.alice), plan, *arena);
  auto bob = CascadeCorrector::start(std::move(blocks.bob), plan, *arena);
  if (!alice) return std::move(alice).error();
  if (!bob) return std::move(bob).error();
  while (!bob->done()) {
    auto answer = alice->answer(bob->ask());
    if (!answer) return std::move(answer).error();
    if (auto r = bob->step(*answer); !r) return std::move(r).error();
  }
  result.errors_corrected = bob->errors_corrected();
  auto corrected = std::move(*bob).finish();
  auto answered = std::move(*alice).finish(result.errors_corrected);
  if (!corrected) return std::move(corrected).error();
  if (!answered) return std::move(answered).error();
  result.parity_bits = answered->facts().ledger.disclosed(sifting::LeakClass::reconciliation);
  return Reconciled{*std::move(answered), *std::move(corrected)};
}

/// leak_EC / (n h(e/n)).
std::optional<double> efficiency(const OfflineResult& r, std::uint64_t bits) {
  if (r.errors_corrected == 0) return std::nullopt;
  const double n = static_cast<double>(bits);
  return static_cast<double>(r.parity_bits) / (n * binary_entropy(static_cast<double>(r.errors_corrected) / n));
}

}  // namespace

Result<OfflineResult> would_be_key(detection::Clicks&& alice, detection::Clicks&& bob, const LengthInputs& inputs,
                                   const sifting::SamplePlan& plan, Random& random) {
  auto estimated = estimate(std::move(alice), std::move(bob), inputs, plan, random);
  if (!estimated) return std::move(estimated).error();
  OfflineResult result;
  result.abort = estimated->abort;
  result.facts = std::move(estimated->facts);
  if (!estimated->blocks) return result;
  const std::uint64_t bits = estimated->blocks->alice.size();
  if (bits < kFewestKeyBits) {
    result.abort = AbortReason::too_few;
    return result;
  }
  auto both = reconcile(*std::move(estimated->blocks), plan_of(result.facts, bits), result);
  if (!both) return std::move(both).error();
  result.f_ec = efficiency(result, bits);
  auto prover = VerificationProver::start(std::move(both->alice), random, 0);
  if (!prover) return std::move(prover).error();
  auto outcome = check_verification(std::move(both->bob), prover->message());
  if (!outcome) return std::move(outcome).error();
  result.verified = outcome->block.has_value();
  if (!result.verified) return result;
  const VerifiedBlock verified = std::move(*prover).accept();
  result.facts = verified.facts();
  auto length = decide_length(result.facts);
  if (!length) return std::move(length).error();
  result.length = *std::move(length);
  return result;
}

OfflineBlocks::OfflineBlocks(std::size_t bits, const LengthInputs& inputs, Take take)
    : bits_(bits),
      inputs_(inputs),
      take_(std::move(take)),
      random_(make_os_random()),
      batch_(std::size_t{3} * 64),
      bases_(bits),
      bases_again_(bits),
      alice_(bits),
      bob_(bits) {}

Result<void> OfflineBlocks::add(std::uint8_t basis, bool alice, bool bob) {
  batch_.with_write([&](std::span<std::uint64_t> words) {
    words[0] |= std::uint64_t{basis} << held_;
    words[1] |= static_cast<std::uint64_t>(alice) << held_;
    words[2] |= static_cast<std::uint64_t>(bob) << held_;
  });
  ++held_;
  if (held_ == 64 || bases_.size() + held_ == bits_) append_batch();
  return bases_.size() == bits_ ? finish() : Result<void>();
}

void OfflineBlocks::append_batch() {
  batch_.with_write([&](std::span<std::uint64_t> words) {
    bases_.append(words.subspan(0, 1), held_);
    bases_again_.append(words.subspan(0, 1), held_);
    alice_.append(words.subspan(1, 1), held_);
    bob_.append(words.subspan(2, 1), held_);
    std::fill(words.begin(), words.end(), 0);
  });
  held_ = 0;
}

Result<void> OfflineBlocks::finish() {
  append_batch();
  const std::size_t n = bases_.size();
  if (n == 0) return {};
  detection::Clicks alice, bob;
  alice.slots.resize(n);
  std::iota(alice.slots.begin(), alice.slots.end(), 0);
  bob.slots = alice.slots;
  alice.bases = bases_.finish();
  bob.bases = bases_again_.finish();
  alice.bits = alice_.finish();
  bob.bits = bob_.finish();
  for (BitCollector* c : {&bases_, &bases_again_, &alice_, &bob_}) *c = BitCollector(bits_);
  auto result = would_be_key(std::move(alice), std::move(bob), inputs_, {}, *random_);
  if (!result) return std::move(result).error();
  take_(*std::move(result));
  return {};
}

}  // namespace nicol::app
