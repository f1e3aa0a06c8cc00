// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/tracker.hpp"

#include <gtest/gtest.h>

#include "tests/unit/calibration/tracked_link.hpp"

namespace nicol::calibration {
namespace {

bool same(const PlateAngles& a, const PlateAngles& b) { return a == b; }

/// A block that would turn the plates at once: the fibre jumped.
struct Disturbed {
  test::LinkOptions options;
  test::TrackedLink link{options, 500};
  test::TrackedStart start = test::calibrated(link, test::tracker_options(options));
  TrackedBlock after_jump() {
    link.jump();
    return test::verified(link.block(start.plates), start.plates, options);
  }
};

TEST(Agreements, AreTakenFromABlocksReport) {
  const Agreements a = agreements({{10, 20}, {1, 2}}, {100, 200}, {3, 4});
  EXPECT_EQ(a.same[0][0], 97U);
  EXPECT_EQ(a.different[1][1], 4U);
  EXPECT_EQ(a.same[1][0], 10U);  // Alice's basis rectilinear, Bob's diagonal
  EXPECT_EQ(a.different[0][1], 2U);
}

TEST(PolarisationTracker, MovesNothingForABlockThatDidNotVerify) {
  Disturbed d;
  TrackedBlock block = d.after_jump();
  block.standing = Standing::unverified;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(same(d.start.tracker.next(block).plates, d.start.plates));
}

/// Whatever an unverified block holds, the next verified one is taken as if it had held nothing.
TEST(PolarisationTracker, LearnsNothingFromABlockThatDidNotVerify) {
  Disturbed a, b;
  TrackedBlock forged = a.after_jump();
  forged.standing = Standing::unverified;
  const TrackedBlock honest = b.after_jump();
  TrackedBlock empty;
  empty.seconds = forged.seconds;
  a.start.tracker.next(forged), b.start.tracker.next(empty);
  EXPECT_TRUE(same(a.start.tracker.next(honest).plates, b.start.tracker.next(honest).plates));
}

TEST(PolarisationTracker, MovesForTheSameBlockVerified) {
  Disturbed d;
  EXPECT_FALSE(same(d.start.tracker.next(d.after_jump()).plates, d.start.plates));
}

TEST(PolarisationTracker, GivesTheSameSettingsForTheSameBlocks) {
  Disturbed a, b;
  EXPECT_TRUE(same(a.start.tracker.next(a.after_jump()).plates, b.start.tracker.next(b.after_jump()).plates));
}

TEST(PolarisationTracker, StaysWithinItsStepEvenAfterAJump) {
  Disturbed d;
  TrackerOptions options = test::tracker_options(d.options);
  options.largest_step = 0.2;
  d.start = test::calibrated(d.link, options);
  d.link.jump();
  PlateAngles plates = d.start.plates;
  for (int i = 0; i < 6; ++i) {
    const PlateAngles next = d.start.tracker.next(test::verified(d.link.block(plates), plates, d.options)).plates;
    const Rotation turned = rotation(options.stack, next) * rotation(options.stack, plates).transpose();
    EXPECT_LE(Eigen::AngleAxisd(turned).angle(), 0.2 + 0.02);
    plates = next;
  }
}

TEST(PolarisationTracker, RestsForGoodWhenItsTravelIsSpent) {
  Disturbed d;
  TrackerOptions options = test::tracker_options(d.options);
  options.travel = Angle::degrees(1);
  d.start = test::calibrated(d.link, options);
  for (int i = 0; i < 4; ++i) {
    const NextSetting next = d.start.tracker.next(d.after_jump());
    EXPECT_TRUE(next.travel_spent);
    EXPECT_TRUE(same(next.plates, d.start.plates));
  }
}

TEST(PolarisationTracker, LearnsThatAFibreStandsStill) {
  test::LinkOptions options;
  options.walk = 0;
  test::TrackedLink link(options, 501);
  auto [tracker, plates] = test::calibrated(link, test::tracker_options(options));
  NextSetting next;
  for (int i = 0; i < 40; ++i)
    next = tracker.next(test::verified(link.block(plates), plates, options)), plates = next.plates;
  EXPECT_LT(next.walk, 0.1);
  EXPECT_LT(next.doubt_qber, 1e-3);
}

TEST(PolarisationTracker, TakesABlockWithoutCountsForNothing) {
  Disturbed d;
  TrackedBlock block;
  block.standing = Standing::verified, block.setting = d.start.plates, block.seconds = 15;
  const NextSetting next = d.start.tracker.next(block);
  for (const Angle& angle : next.plates) EXPECT_TRUE(std::isfinite(angle.radians()));
  EXPECT_FALSE(next.excess_alarm);
}

}  // namespace
}  // namespace nicol::calibration
