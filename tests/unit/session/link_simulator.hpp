// SPDX-License-Identifier: Apache-2.0
// A toy of the light between two sessions: which slots click, what Alice prepared, what Bob read, at a settable error
// rate. Seeded by block, so that a test repeats itself.
#pragma once

#include <array>
#include <cstdint>

#include "controller/detection/clicks.hpp"
#include "drivers/hal/random.hpp"

namespace nicol::test {

struct LinkModel {
  std::uint64_t slots = 40'000;
  double click_probability = 0.3;
  double qber = 0.02;
  double diagonal = 0.5;  // both sides
};
struct LinkClicks {
  detection::Clicks prepared, received;  // hers (already only where he clicked), his
};

inline LinkClicks simulate_link(const LinkModel& model, std::uint64_t seed) {
  CounterStream draw({.seed = seed, .node = NodeId::world, .purpose = Purpose::test, .index = 0});
  std::array<secret::PublicBits, 4> bits;  // her bases, her bits, his bases, his bits
  std::vector<std::uint64_t> slots;
  for (std::uint64_t slot = 0; slot < model.slots; ++slot) {
    if (draw.uniform() >= model.click_probability) continue;
    slots.push_back(slot);
    const bool alice_basis = draw.uniform() < model.diagonal, bob_basis = draw.uniform() < model.diagonal;
    const bool bit = draw.uniform() < 0.5, random = draw.uniform() < 0.5, error = draw.uniform() < model.qber;
    bits[0].push_back(alice_basis);
    bits[1].push_back(bit);
    bits[2].push_back(bob_basis);
    bits[3].push_back(alice_basis == bob_basis ? bit != error : random);
  }
  const auto locked = [](const secret::PublicBits& b) { return secret::BitString::from_public(b); };
  return {{slots, locked(bits[0]), locked(bits[1]), {}}, {slots, locked(bits[2]), locked(bits[3]), {}}};
}

}  // namespace nicol::test
