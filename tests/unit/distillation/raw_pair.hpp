// SPDX-License-Identifier: Apache-2.0
// Two estimated blocks whose raw keys are given bits, made by the real stages: every slot clicks, all but two are
// rectilinear and undisclosed.
#pragma once

#include <random>
#include <utility>

#include "controller/distillation/estimation.hpp"

namespace nicol::distillation::testing {

inline detection::Clicks clicks_of(PublicBits raw) {
  raw.push_back(false);  // one bit of each basis for the sample
  raw.push_back(false);
  PublicBits bases(raw.size());
  bases.set(raw.size() - 1, true);
  detection::Clicks clicks;
  for (std::uint64_t slot = 0; slot < raw.size(); ++slot) clicks.slots.push_back(slot);
  clicks.bases = BitString::from_public(bases);
  clicks.bits = BitString::from_public(raw);
  return clicks;
}

struct RawPair {
  EstimatedBlock alice, bob;
};

inline RawPair estimated(const PublicBits& alice_raw, const PublicBits& bob_raw, const LengthInputs& inputs = {}) {
  const std::size_t n = alice_raw.size();
  detection::Clicks clicks = clicks_of(bob_raw);
  auto alice = sifting::sift_alice(clicks_of(alice_raw), n + 2, n + 2, sifting::announce(clicks)).value();
  auto bob = sifting::sift_bob(std::move(clicks), alice.reply).value();
  sifting::SampleCoins coins{.sample = {PublicBits(n + 1), PublicBits(1)}, .share = {0.0, 1.0}};
  coins.sample[0].set(n, true);
  coins.sample[1].set(0, true);
  auto at_alice = Estimation::start(std::move(alice.block), coins, inputs).value();
  auto at_bob = Estimation::start(std::move(bob.block), coins, inputs).value();
  const PublicBits from_alice = at_alice.ask(), from_bob = at_bob.ask();
  return {std::move(*std::move(at_alice).step(from_bob).value().block),
          std::move(*std::move(at_bob).step(from_alice).value().block)};
}

struct NoisyBits {
  PublicBits alice, bob;
  std::uint64_t errors = 0;
};

/// Independent errors of this rate.
inline NoisyBits noisy_bits(std::size_t n, double qber, std::uint64_t seed) {
  NoisyBits made{PublicBits(n), PublicBits(n), 0};
  CounterStream random({seed, NodeId::world, Purpose::test, 0});
  for (auto& word : made.alice.words()) word = random();
  if (n % 64 != 0) made.alice.words().back() &= (std::uint64_t{1} << (n % 64)) - 1;
  made.bob = made.alice;
  for (std::size_t i = 0; i < n; ++i) {
    if (random.uniform() >= qber) continue;
    made.bob.set(i, !made.bob.get(i));
    ++made.errors;
  }
  return made;
}

}  // namespace nicol::distillation::testing
