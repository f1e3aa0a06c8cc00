// SPDX-License-Identifier: Apache-2.0
// Two sifted blocks as the sifting room makes them, from a link whose error rate is set per basis.
#pragma once

#include <random>
#include <utility>

#include "controller/sifting/sifting.hpp"

namespace nicol::distillation::testing {

struct Link {
  std::size_t slots = 20'000;  // every slot clicks
  double diagonal = 0.5;       // probability of the diagonal basis, at both
  std::array<double, 2> qber = {0.02, 0.02};
  unsigned seed = 1;
};

struct SiftedPair {
  sifting::SiftedBlock alice, bob;
};

inline SiftedPair sift(const Link& link) {
  std::mt19937_64 random(link.seed);
  std::bernoulli_distribution diagonal(link.diagonal), coin(0.5);
  secret::PublicBits bases_a, bits_a, bases_b, bits_b;
  std::vector<std::uint64_t> slots;
  for (std::size_t slot = 0; slot < link.slots; ++slot) {
    const bool a = diagonal(random), b = diagonal(random), bit = coin(random);
    const bool error = std::bernoulli_distribution(link.qber[b ? 1 : 0])(random);
    slots.push_back(slot);
    bases_a.push_back(a);
    bits_a.push_back(bit);
    bases_b.push_back(b);
    bits_b.push_back(a == b ? bit != error : coin(random));
  }
  using secret::BitString;
  detection::Clicks prepared{slots, BitString::from_public(bases_a), BitString::from_public(bits_a), {}};
  detection::Clicks clicks{slots, BitString::from_public(bases_b), BitString::from_public(bits_b), {}};
  const sifting::DetectionList list = sifting::announce(clicks);
  auto alice = sifting::sift_alice(std::move(prepared), link.slots, link.slots, list).value();
  auto bob = sifting::sift_bob(std::move(clicks), alice.reply).value();
  return {std::move(alice.block), std::move(bob.block)};
}

}  // namespace nicol::distillation::testing
