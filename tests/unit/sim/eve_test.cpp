// SPDX-License-Identifier: Apache-2.0
// Each eavesdropper leaves the signature of SECURITY-FORMULAS 2.2 in the photons she sends on.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>

#include "sim/eve/attack.hpp"
#include "sim/optics/states.hpp"
#include "tests/unit/sim/bench_link.hpp"

namespace nicol::sim {
namespace {

constexpr std::uint64_t kSlots = 200'000;

struct Seen {
  std::array<double, 2> same_basis{}, errors{}, mismatched{}, mismatched_same{}, attacked{}, guessed{};
};

/// One photon a slot through Eve to an ideal passive receiver.
Seen watch(EveOptions eve) {
  Attack attack(eve, 11);
  attack.begin_block(0);
  const test::Settings alice = test::random_settings(kSlots, 4);
  CounterStream bob({12, NodeId::bob, Purpose::test, 0});
  Seen seen;
  for (std::uint64_t slot = 0; slot < kSlots; ++slot) {
    const unsigned basis = alice.diagonal(slot), bit = alice.bit(slot);
    const Eigen::Vector3d s = prepared(state_index(basis != 0, bit != 0), Angle());
    PhotonState photon{static_cast<float>(s[0]), static_cast<float>(s[1]), static_cast<float>(s[2])};
    if (attack.active()) attack.meet(slot, &photon, 1);
    const unsigned bob_basis = static_cast<unsigned>(bob() & 1);
    const double along = static_cast<double>(bob_basis ? photon.s2 : photon.s1);
    const unsigned bob_bit = bob.uniform() < (1 + along) / 2;
    if (bob_basis == basis) {
      ++seen.same_basis[basis];
      seen.errors[basis] += bob_bit != bit;
    } else {
      ++seen.mismatched[basis];
      seen.mismatched_same[basis] += bob_bit == bit;
    }
  }
  for (const EveNote& note : attack.record().notes) {
    const unsigned basis = alice.diagonal(note.slot);
    ++seen.attacked[basis];
    seen.guessed[basis] += note.guess[basis] == static_cast<unsigned>(alice.bit(note.slot));
  }
  return seen;
}

void expect_share(double count, double trials, double probability, const char* what) {
  ASSERT_GT(trials, 1000) << what;
  if (probability <= 0 || probability >= 1) {
    EXPECT_NEAR(count, trials * probability, 1e-6 * trials) << what;
    return;
  }
  EXPECT_LT(std::abs(test::sigmas(count, trials, probability)), 4.5) << what << ": " << count / trials;
}

TEST(NoEve, LeavesAnIdealLinkWithoutErrors) {
  const Seen seen = watch({EveKind::none, 1});
  EXPECT_EQ(seen.errors[0] + seen.errors[1], 0);
  EXPECT_EQ(seen.attacked[0] + seen.attacked[1], 0);
}

TEST(InterceptResend, CausesAQuarterOfItsShareInBothBases) {
  for (double f : {1.0, 0.3}) {
    const Seen seen = watch({EveKind::intercept_resend, f});
    for (std::size_t b = 0; b < 2; ++b) {
      expect_share(seen.errors[b], seen.same_basis[b], f / 4, "QBER");
      expect_share(seen.mismatched_same[b], seen.mismatched[b], 0.5, "correlator");
      expect_share(seen.guessed[b], seen.attacked[b], 0.75, "guesses");
    }
  }
}

TEST(InterceptResend, AttacksItsFractionOfTheSlots) {
  const Seen seen = watch({EveKind::intercept_resend, 0.3});
  expect_share(seen.attacked[0] + seen.attacked[1], kSlots, 0.3, "attacked");
}

TEST(AlwaysRectilinear, ShowsInTheDiagonalBasisOnly) {
  const Seen seen = watch({EveKind::intercept_resend_rectilinear, 0.6});
  expect_share(seen.errors[0], seen.same_basis[0], 0, "rectilinear");
  expect_share(seen.errors[1], seen.same_basis[1], 0.3, "diagonal");
  expect_share(seen.guessed[0], seen.attacked[0], 1, "knows the rectilinear bits");
  expect_share(seen.guessed[1], seen.attacked[1], 0.5, "knows nothing of the diagonal ones");
}

TEST(AlwaysDiagonal, ShowsInTheRectilinearBasisOnly) {
  const Seen seen = watch({EveKind::intercept_resend_diagonal, 0.6});
  expect_share(seen.errors[0], seen.same_basis[0], 0.3, "rectilinear");
  expect_share(seen.errors[1], seen.same_basis[1], 0, "diagonal");
  expect_share(seen.guessed[1], seen.attacked[1], 1, "knows the diagonal bits");
}

TEST(Breidbart, GuessesWithTheSquaredCosineOfPiOverEight) {
  const Seen seen = watch({EveKind::breidbart, 1});
  const double guess = std::pow(std::cos(std::numbers::pi / 8), 2);
  for (std::size_t b = 0; b < 2; ++b) {
    expect_share(seen.guessed[b], seen.attacked[b], guess, "guesses");
    expect_share(seen.errors[b], seen.same_basis[b], 0.25, "QBER");
  }
}

TEST(Breidbart, CorrelatesMismatchedBasesSymmetrically) {
  for (double f : {1.0, 0.4}) {
    const Seen seen = watch({EveKind::breidbart, f});
    for (std::size_t b = 0; b < 2; ++b) expect_share(seen.mismatched_same[b], seen.mismatched[b], (1 + f / 2) / 2, "E");
  }
}

TEST(Eve, SendsOnOnePhotonForEachSheTook) {
  Attack attack({EveKind::intercept_resend, 1}, 1);
  attack.begin_block(3);
  std::array<PhotonState, 3> photons{};
  attack.meet(77, photons.data(), 3);
  for (const PhotonState& p : photons) EXPECT_NEAR(p.s1 * p.s1 + p.s2 * p.s2 + p.s3 * p.s3, 1, 1e-6);
  ASSERT_EQ(attack.record().notes.size(), 1u);
  EXPECT_EQ(attack.record().notes[0].block, 3u);
  EXPECT_EQ(attack.record().notes[0].slot, 77u);
}

TEST(Eve, IsNamedAsOnTheCommandLine) {
  EXPECT_EQ(parse_eve("none")->kind, EveKind::none);
  EXPECT_EQ(parse_eve("intercept-resend:0.2")->kind, EveKind::intercept_resend);
  EXPECT_DOUBLE_EQ(parse_eve("intercept-resend:0.2")->fraction, 0.2);
  EXPECT_DOUBLE_EQ(parse_eve("breidbart")->fraction, 1.0);
  for (const char* kind : {"intercept-resend-rectilinear", "intercept-resend-diagonal"})
    EXPECT_EQ(to_string(parse_eve(kind)->kind), kind);
}

TEST(Eve, RefusesWhatSheIsNot) {
  for (const char* text : {"", "interceptresend", "breidbart:1.5", "breidbart:-0.1", "breidbart:", "breidbart:x"})
    EXPECT_EQ(parse_eve(text).error().code, Code::bad_input) << text;
  EXPECT_NE(parse_eve("nobody").error().message.find("intercept-resend"), std::string::npos);
  for (const char* text : {"pns", "cloner", "mitm-replay"})
    EXPECT_EQ(parse_eve(text).error().code, Code::not_supported) << text;
}

}  // namespace
}  // namespace nicol::sim
