// SPDX-License-Identifier: Apache-2.0
// Clicks of both sides made by hand, and a slow sifting to compare with.
#pragma once

#include <optional>
#include <random>
#include <set>
#include <vector>

#include "controller/sifting/sifting.hpp"

namespace nicol::sifting::test {

/// One entry a slot, in the open.
struct Entry {
  std::uint64_t slot;
  bool diagonal, bit;
};

inline detection::Clicks clicks(const std::vector<Entry>& entries, std::vector<detection::SlotRange> dropped = {}) {
  PublicBits bases, bits;
  detection::Clicks c;
  for (const Entry& e : entries) {
    c.slots.push_back(e.slot);
    bases.push_back(e.diagonal);
    bits.push_back(e.bit);
  }
  c.bases = BitString::from_public(bases);
  c.bits = BitString::from_public(bits);
  c.dropped = std::move(dropped);
  return c;
}

inline PublicBits open(const BitString& bits) {
  PublicBits out(bits.size());
  bits.with_read(
      [&](std::span<const std::uint64_t> words) { std::copy(words.begin(), words.end(), out.words().begin()); });
  return out;
}
inline PublicBits bits_of(std::initializer_list<int> values) {
  PublicBits out;
  for (const int v : values) out.push_back(v != 0);
  return out;
}

/// Alice kept some slots of the block, Bob clicked in some; error: how often his bit is wrong in the same basis.
struct Pair {
  std::uint64_t slots = 0;
  std::vector<Entry> alice, bob;
};
inline Pair random_pair(std::uint64_t seed, std::uint64_t slots, double alice_keeps, double bob_clicks, double error) {
  std::mt19937_64 g(seed);
  std::uniform_real_distribution<double> u;
  Pair p;
  p.slots = slots;
  for (std::uint64_t k = 0; k < slots; ++k) {
    const Entry hers{k, u(g) < 0.4, u(g) < 0.5};
    if (u(g) < alice_keeps) p.alice.push_back(hers);
    if (u(g) >= bob_clicks) continue;
    const bool his_basis = u(g) < 0.5, coin = u(g) < 0.5;
    p.bob.push_back({k, his_basis, his_basis == hers.diagonal ? hers.bit != (u(g) < error) : coin});
  }
  return p;
}

struct Sifted {
  AliceSift alice;
  BobSift bob;
  DetectionList list;
};
inline Sifted sift(const Pair& p) {
  auto his = clicks(p.bob);
  DetectionList list = announce(his);
  auto a = sift_alice(clicks(p.alice), p.slots, p.alice.size(), list);
  if (!a) throw std::runtime_error(describe(a.error()));
  auto b = sift_bob(std::move(his), a->reply);
  if (!b) throw std::runtime_error(describe(b.error()));
  return {std::move(*a), std::move(*b), std::move(list)};
}

}  // namespace nicol::sifting::test
