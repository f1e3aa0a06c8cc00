// SPDX-License-Identifier: Apache-2.0
// Plates against the simulator's own optics, which is written apart; settings against random fibres.
#include "controller/calibration/compensation.hpp"

#include <gtest/gtest.h>

#include "sim/optics/polarisation.hpp"
#include "tests/unit/calibration/drawn_channel.hpp"

namespace nicol::calibration {
namespace {

CounterStream draws(std::uint64_t index) { return CounterStream({7, NodeId::bob, Purpose::test, index}); }

TEST(Retarder, TurnsTheSphereAsJonesCalculusSays) {
  CounterStream random = draws(0);
  for (int i = 0; i < 50; ++i) {
    const double waves = random.uniform();
    const Angle axis = Angle::degrees(360 * random.uniform());
    EXPECT_TRUE(retarder(2 * std::numbers::pi * waves, axis).isApprox(sim::plate_rotation(waves, axis), 1e-12));
  }
}

TEST(Plates, MakeAnyRotationInClosedForm) {
  CounterStream random = draws(1);
  for (int i = 0; i < 500; ++i) {
    const Rotation wanted = test::draw_fibre(random);
    for (const PlateAngles& angles : plates_for(wanted)) EXPECT_LT((rotation({}, angles) - wanted).norm(), 1e-9) << i;
  }
}

TEST(Plates, MakeRotationsAboutTheCircularAxisToo) {
  for (const double by : {0.0, 0.3, 3.0, -2.0})
    for (const Rotation& flip : {Rotation(Rotation::Identity()), turn({std::numbers::pi, 0, 0})}) {
      const Rotation wanted = turn({0, 0, by}) * flip;
      for (const PlateAngles& angles : plates_for(wanted)) EXPECT_LT((rotation({}, angles) - wanted).norm(), 1e-7);
    }
}

TEST(Compensation, UndoesAnyFibre) {
  CounterStream random = draws(2);
  for (int i = 0; i < 200; ++i) {
    const Compensation c = compensate({}, test::draw_fibre(random), {});
    EXPECT_NEAR(c.contrast[0], 1, 1e-9);
    EXPECT_NEAR(c.contrast[1], 1, 1e-9);
  }
}

TEST(Compensation, AllowsForPlatesThatAreNotQuiteQuartersAndHalves) {
  CounterStream random = draws(3);
  const PlateStack worn{{0.5 * 3.2, 3.05, 0.5 * 3.05}};
  double plain = 0, allowed = 0;
  for (int i = 0; i < 200; ++i) {
    const Rotation fibre = test::draw_fibre(random);
    const Rotation blind = rotation(worn, plates_for(fibre.transpose())[0]) * fibre;
    plain += 2 - blind(0, 0) - blind(1, 1);
    const Compensation c = compensate(worn, fibre, {});
    allowed += 2 - c.contrast[0] - c.contrast[1];
    EXPECT_GT(std::min(c.contrast[0], c.contrast[1]), 0.985);
  }
  EXPECT_LT(allowed, plain / 20);
}

TEST(Compensation, TurnsNoPlateByMoreThanAQuarterTurn) {
  CounterStream random = draws(4);
  const PlateAngles now{Angle::degrees(170), Angle::degrees(-800), Angle::degrees(359)};
  for (int i = 0; i < 100; ++i) {
    const Compensation c = compensate({}, test::draw_fibre(random), now);
    for (std::size_t k = 0; k < 3; ++k) EXPECT_LE(std::abs((c.angles[k] - now[k]).degrees()), 90 + 1e-6);
  }
}

}  // namespace
}  // namespace nicol::calibration
