// SPDX-License-Identifier: Apache-2.0
// Any fibre and any mounts, from light alone.
#include "controller/calibration/polarisation.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "controller/calibration/known_light.hpp"
#include "tests/unit/calibration/drawn_rig.hpp"

namespace nicol::calibration {
namespace {

struct Tally {
  int runs = 0, aligned = 0;
  std::uint64_t most_moves = 0, most_photons = 0;
  double worst = 1, moves = 0, photons = 0;
};

/// Share of the contrast that the optics allow, the worse basis.
double reached(test::DrawnRig& rig) {
  const auto now = rig.contrast(), best = rig.best_contrast();
  return std::min(now[0] / best[0], now[1] / best[1]);
}

Tally align(std::uint64_t from, std::uint64_t to, double retardance_error) {
  Tally t;
  for (std::uint64_t seed = from; seed < to; ++seed) {
    test::DrawnRig rig({seed, 0.2, retardance_error, {}});
    Bench bench(rig.bob(), rig.alice(), {}, {nullptr, {}, std::chrono::seconds(60), seed});
    const Report report = perform(polarisation(), bench);
    EXPECT_EQ(report.status, Status::passed) << seed << ": " << report.reason;
    const double share = reached(rig);
    ++t.runs;
    t.aligned += share >= 0.99 ? 1 : 0;
    t.worst = std::min(t.worst, share);
    t.most_moves = std::max(t.most_moves, report.motor_moves);
    t.most_photons = std::max(t.most_photons, report.detected_photons);
    t.moves += static_cast<double>(report.motor_moves);
    t.photons += static_cast<double>(report.detected_photons);
  }
  std::printf("%d fibres: %d aligned to 99 %%, worst %.4f; moves %.1f, at most %lu; photons %.0f, at most %lu\n",
              t.runs, t.aligned, t.worst, t.moves / t.runs, t.most_moves, t.photons / t.runs, t.most_photons);
  return t;
}

TEST(Polarisation, AlignsBothBasesFromAnyFibreAndAnyMounts) {
  const Tally t = align(1, 9, 0);
  EXPECT_EQ(t.aligned, 8);
  EXPECT_LE(t.most_moves, 12U);
  EXPECT_LE(t.most_photons, 200'000U);
}

TEST(Polarisation, AllowsForPlatesAsTheyAreSold) {
  const Tally t = align(301, 307, 0.01);
  EXPECT_GE(t.aligned, 5);
  EXPECT_LE(t.most_moves, 12U);
}

TEST(Polarisation, KeepsTheAxesThatItSawForWhoTurnsThePlatesOn) {
  test::DrawnRig rig({11, 0.2, 0, {}});
  Bench bench(rig.bob(), rig.alice(), {}, {nullptr, {}, std::chrono::seconds(60), 11});
  const Report report = perform(polarisation(), bench);
  for (const hal::CompensatorPlate& plate : rig.bob().compensator) {
    EXPECT_TRUE(report.result.contains(plate.role + ".seen_axis_deg"));
    EXPECT_NEAR(std::get<double>(report.result.at(plate.role + ".seen_retardance_waves")), plate.retardance_waves,
                0.03);
  }
}

/// What a search without a model does: Nelder and Mead, Comput. J. 7, 308 (1965), over three mounts, on the errors that
/// 4000 photons show.
class Search {
 public:
  explicit Search(test::DrawnRig& rig) : rig_(&rig), bench_(rig.bob(), rig.alice(), {}, {}) { begin({}); }
  /// Until the optics are aligned to 99 %, or `most` moves are spent. A simplex that has shrunk to nothing elsewhere,
  /// as noise makes it, begins anew about its best corner.
  bool run(std::uint64_t most) {
    while (reached(*rig_) < 0.99 && bench_.moves() < most) {
      step();
      if (shrunk()) begin(best().at);
    }
    return reached(*rig_) >= 0.99;
  }
  const Bench& bench() const { return bench_; }

 private:
  using Point = std::array<double, 3>;
  struct Corner {
    Point at;
    double cost;
  };
  void begin(const Point& about) {
    simplex_.clear();
    for (std::size_t i = 0; i < 4; ++i) {
      Point x = about;
      if (i > 0) x[i - 1] += 30;
      simplex_.push_back({x, look(x)});
    }
  }
  const Corner& best() const { return *std::ranges::min_element(simplex_, {}, &Corner::cost); }
  bool shrunk() const {
    double most = 0;
    for (const Corner& c : simplex_)
      for (std::size_t i = 0; i < 3; ++i) most = std::max(most, std::abs(c.at[i] - best().at[i]));
    return most < 0.1;
  }
  double look(const Point& x) {
    EXPECT_TRUE(bench_.turn_plates({Angle::degrees(x[0]), Angle::degrees(x[1]), Angle::degrees(x[2])}).ok());
    const auto light = shine(bench_, {4'000, 10, 0.5});
    if (!light) return 1;
    double wrong = 0, all = 0;
    for (std::size_t s = 0; s < 4; ++s) {
      const auto& seen = light->in_gate[s];
      wrong += static_cast<double>(seen[s ^ 1]), all += static_cast<double>(seen[s] + seen[s ^ 1]);
    }
    return wrong / all;
  }
  static Point between(const Point& from, const Point& to, double share) {
    Point p{};
    for (std::size_t i = 0; i < 3; ++i) p[i] = from[i] + share * (to[i] - from[i]);
    return p;
  }
  Corner corner(const Point& at) { return {at, look(at)}; }
  void step() {
    std::ranges::sort(simplex_, {}, &Corner::cost);
    Point centre{};
    for (std::size_t k = 0; k < 3; ++k)
      for (std::size_t i = 0; i < 3; ++i) centre[i] += simplex_[k].at[i] / 3;
    Corner& worst = simplex_.back();
    const Corner mirrored = corner(between(centre, worst.at, -1));
    if (mirrored.cost < simplex_[0].cost) {
      const Corner further = corner(between(centre, worst.at, -2));
      worst = further.cost < mirrored.cost ? further : mirrored;
    } else if (mirrored.cost < simplex_[2].cost) {
      worst = mirrored;
    } else {
      const Corner nearer = corner(between(centre, worst.at, mirrored.cost < worst.cost ? -0.5 : 0.5));
      if (nearer.cost < std::min(worst.cost, mirrored.cost)) return void(worst = nearer);
      for (std::size_t k = 1; k < 4; ++k) simplex_[k] = corner(between(simplex_[0].at, simplex_[k].at, 0.5));
    }
  }
  test::DrawnRig* rig_;
  Bench bench_;
  std::vector<Corner> simplex_;
};

TEST(LongPolarisation, NeedsFarFewerMovesThanASearchWithoutAModel) {
  int found = 0;
  double moves = 0, photons = 0;
  constexpr int kFibres = 12;
  for (std::uint64_t seed = 1'000; seed < 1'000 + kFibres; ++seed) {
    test::DrawnRig rig({seed, 0.2, 0, {}});
    Search search(rig);
    found += search.run(600) ? 1 : 0;
    moves += static_cast<double>(search.bench().moves()), photons += static_cast<double>(search.bench().photons());
  }
  std::printf("Nelder-Mead: %d of %d aligned within 600 moves; moves %.0f, photons %.0f in the mean\n", found, kFibres,
              moves / kFibres, photons / kFibres);
  EXPECT_GT(moves / kFibres, 40);
}

TEST(LongPolarisation, AlignsTwoHundredFibres) {
  const Tally t = align(1'000, 1'200, 0);
  EXPECT_GE(t.aligned, 198);
  EXPECT_LE(t.most_moves, 12U);
  EXPECT_LE(t.most_photons, 200'000U);
}

}  // namespace
}  // namespace nicol::calibration
