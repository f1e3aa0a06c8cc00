// SPDX-License-Identifier: Apache-2.0
#include "sim/eve/attack.hpp"

#include <numbers>

namespace nicol::sim {
namespace {

/// Her analysers: 0, 45 and 22.5 degrees (Breidbart) as axes of the equator.
constexpr float kHalf = static_cast<float>(std::numbers::sqrt2 / 2);
constexpr float kAxis[3][2] = {{1, 0}, {0, 1}, {kHalf, kHalf}};

std::uint8_t choose_basis(EveKind kind, bool coin) {
  switch (kind) {
    case EveKind::intercept_resend_rectilinear:
      return 0;
    case EveKind::intercept_resend_diagonal:
      return 1;
    case EveKind::breidbart:
      return 2;
    default:
      return coin ? 1 : 0;
  }
}

/// The outcome is her guess in the basis she measured; of the other she knows nothing. 22.5 degrees serves both.
EveNote note(std::uint32_t block, std::uint64_t slot, std::uint8_t basis, bool outcome, bool coin) {
  EveNote n{block, slot, basis, {outcome, outcome}};
  if (basis == 0) n.guess[1] = coin;
  if (basis == 1) n.guess[0] = coin;
  return n;
}

}  // namespace

Attack::Attack(const EveOptions& options, std::uint64_t seed)
    : options_(options), seed_(seed), stream_({seed, NodeId::world, Purpose::sim_eve, 0}) {}

void Attack::begin_block(std::uint32_t block) {
  block_ = block;
  stream_ = CounterStream({seed_, NodeId::world, Purpose::sim_eve, block});
}

void Attack::meet(std::uint64_t slot, PhotonState* photons, std::size_t count) {
  const bool attacked = stream_.uniform() < options_.fraction;
  const std::uint64_t coins = stream_();
  const std::uint8_t basis = choose_basis(options_.kind, coins & 1);
  for (std::size_t i = 0; i < count; ++i) {
    const double u = stream_.uniform();
    if (!attacked) continue;
    PhotonState& p = photons[i];
    const float along = kAxis[basis][0] * p.s1 + kAxis[basis][1] * p.s2;
    const bool outcome = u < 0.5 * (1.0 + static_cast<double>(along));
    const float sign = outcome ? 1 : -1;
    p = {sign * kAxis[basis][0], sign * kAxis[basis][1], 0};
    if (i == 0) record_.notes.push_back(note(block_, slot, basis, outcome, coins & 2));
  }
}

}  // namespace nicol::sim
