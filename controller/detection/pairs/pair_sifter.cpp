// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/pair_sifter.hpp"

#include <bit>

namespace nicol::detection::pairs {
namespace {

constexpr Pattern kRectilinear = 0b0101, kOnes = 0b1100;

bool several(Pattern pattern) { return std::popcount(static_cast<unsigned>(pattern)) > 1; }

}  // namespace

PairSifter::PairSifter(PairState state, MultiClicks rule, std::uint64_t seed)
    : state_(state),
      rule_(rule),
      alice_coins_({seed, NodeId::alice, Purpose::multi_click, 0}),
      bob_coins_({seed, NodeId::bob, Purpose::multi_click, 0}) {}

PairSifter::Reading PairSifter::read(Pattern pattern, CounterStream& coins) {
  const bool rectilinear = (pattern & kRectilinear) != 0, diagonal = (pattern & ~kRectilinear & 0xf) != 0;
  if (!several(pattern)) return {static_cast<std::uint8_t>(diagonal ? 1 : 0), (pattern & kOnes) != 0};
  const auto coin = coins();
  const bool second = rectilinear && diagonal ? (coin & 1) != 0 : diagonal;
  return {static_cast<std::uint8_t>(second ? 1 : 0), (coin & 2) != 0};
}

std::optional<SiftedPair> PairSifter::operator()(const Coincidence& pair) {
  const bool multi = several(pair.alice) || several(pair.bob);
  multi_clicks_ += multi ? 1 : 0;
  if (pair.alice == 0 || pair.bob == 0 || (multi && rule_ == MultiClicks::drop)) return std::nullopt;
  const Reading alice = read(pair.alice, alice_coins_), bob = read(pair.bob, bob_coins_);
  if (alice.basis != bob.basis) return std::nullopt;
  const SiftedPair sifted{alice.basis, alice.bit, bob.bit != (state_ == PairState::psi_minus)};
  BasisCounts& counts = counts_[sifted.basis];
  counts.bits += 1;
  counts.errors += sifted.alice != sifted.bob ? 1 : 0;
  return sifted;
}

}  // namespace nicol::detection::pairs
