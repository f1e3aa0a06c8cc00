// SPDX-License-Identifier: Apache-2.0
#include "controller/app/offline_key.hpp"

#include <algorithm>
#include <numeric>

#include "controller/app/both_sides.hpp"
#include "controller/distillation/verification.hpp"

namespace nicol::app {
namespace {

using namespace distillation;
using secret::BitCollector;

constexpr std::uint64_t kFewestKeyBits = 64;

}  // namespace

Result<OfflineResult> would_be_key(detection::Clicks&& alice, detection::Clicks&& bob, const LengthInputs& inputs,
                                   const sifting::SamplePlan& plan, Random& random) {
  auto estimated = estimate_pair(
      std::move(alice), std::move(bob),
      [&](const sifting::SiftedBlock& block) { return sifting::draw_coins(block, plan, random, 0); }, inputs);
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
  auto both = reconcile_pair(*std::move(estimated->blocks), cascade_plan(result.facts, bits, os_random_word()));
  if (!both) return std::move(both).error();
  result.errors_corrected = both->errors_corrected;
  result.parity_bits = both->parity_bits;
  result.f_ec = reconciliation_efficiency(both->parity_bits, both->alice.facts());
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
