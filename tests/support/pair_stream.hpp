// SPDX-License-Identifier: Apache-2.0
// Two sides' tags of a source of photon pairs, drawn from a seed: what the coincidence search and the merge are tested
// with. Alice's clock is the true one.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "drivers/hal/units.hpp"

namespace nicol::test {

enum class PairState : std::uint8_t { psi_minus, phi_plus };

struct PairSpec {
  std::uint64_t seed = 1;
  double seconds = 10;  // each side records so long by its own clock, from 0 on
  double pairs = 1000;  // emitted, a second
  double efficiency_alice = 1, efficiency_bob = 1;
  double background_alice = 99'000, background_bob = 99'000;  // singles without partner, a second
  double jitter = 350, tail = 0, tail_share = 0;  // ps: Gauss a side; this share is late by an exponential delay
  double offset = 0;                              // ps: t_bob - t_alice at Alice's time 0
  double frequency = 0, drift = 0;                // growth of that a second of Alice's; and of the frequency, a second
  std::array<double, 4> delay_alice{}, delay_bob{};  // ps, by detector
  double dark_from = -1, dark_to = -1;               // seconds without a pair
  PairState state = PairState::psi_minus;
  double visibility = 1;
  double double_click_share = 0;  // of pairs: another detector of Bob's fires in the same word
  double dummies = 0;             // a second and side
  double pulse_period = 0;        // ps: light only at its multiples; 0: any time
  TickLength tick_alice{1, 1}, tick_bob{1, 1};
};

struct PairSide {
  std::vector<std::int64_t> ticks;
  std::vector<std::uint8_t> patterns;  // bits V, minus, H, plus; 0x10: dummy
};

struct PairTruth {
  std::int64_t alice = 0;  // ticks
  std::int64_t bob = 0;
};

struct PairStreams {
  PairSide alice, bob;
  std::vector<PairTruth> pairs;  // both recorded
  PairSpec spec;
  /// t_bob - t_alice in ps of a pair without jitter, at Alice's first tag.
  double offset_at_first() const;
  double frequency_at_first() const;
};

PairStreams draw_pairs(const PairSpec& spec);
/// As a readevents file: words of a time in 1/256 ns << 10, the dummy flag in bit 4, detectors in bits 3..0.
std::string readevents(const PairSide& side);
/// Bright enough for a key from a second and a half.
PairSpec key_pairs();

}  // namespace nicol::test
