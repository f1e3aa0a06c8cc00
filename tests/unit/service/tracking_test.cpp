// SPDX-License-Identifier: Apache-2.0
// The tracker on a rig: which blocks move plates, when, and what becomes of plates that stick. The light is drawn.
#include "controller/service/tracking.hpp"

#include <gtest/gtest.h>

#include <bit>

#include "controller/calibration/stack_fit.hpp"
#include "tests/unit/calibration/tracked_link.hpp"
#include "tests/unit/service/stub_stage.hpp"

namespace nicol::service {
namespace {

using calibration::PlateAngles;
using calibration::test::LinkOptions;
using calibration::test::TrackedLink;

bool near(const PlateAngles& a, const PlateAngles& b) {
  for (std::size_t i = 0; i < 3; ++i)
    if (std::abs((a[i] - b[i]).degrees()) > 0.02) return false;
  return true;
}

class Notes final : public LightJournal {
 public:
  void act(LightAct act, std::uint64_t a, std::uint64_t b) noexcept override {
    if (act == LightAct::compensate) told.at(a) = Angle::radians(std::bit_cast<double>(b)), ++acts;
  }
  void tags(const hal::TagBlock&) noexcept override {}
  PlateAngles told{};
  int acts = 0;
};

/// A link that was calibrated just now, and Bob's three mounts.
class TrackedRig : public testing::Test {
 protected:
  TrackedRig() {
    rig_.clock = make_virtual_rig_clock();
    rig_.receiver = hal::ReceiverKind::passive;
    const PlateAngles aligned = calibration::compensate(stack_of(link_), fibre_.fibre(), {}).angles;
    for (std::size_t i = 0; i < 3; ++i) {
      const std::string role = "compensator-" + std::to_string(i);
      auto stage = std::make_unique<test::StubStage>(role, aligned[i] + kOffset);
      stages_[i] = stage.get();
      rig_.add(role, role, std::move(stage));
      rig_.compensator.push_back({role, link_.waves[i], Nanometres{810}, kOffset, aligned[i]});
    }
    TrackingOptions options;
    options.visibility = link_.visibility;
    tracking_.emplace(rig_, options, nullptr, &notes_);
  }
  PlateAngles sent() const {
    return {rig_.compensator[0].setting, rig_.compensator[1].setting, rig_.compensator[2].setting};
  }
  PlateAngles stands() const {
    return {stages_[0]->position - kOffset, stages_[1]->position - kOffset, stages_[2]->position - kOffset};
  }
  /// What a session would say of a block behind the plates as they stand.
  session::BlockResult drawn() {
    const auto block = fibre_.block(stands());
    qber_ = block.qber;
    session::BlockResult r;
    r.index = index_++;
    r.detections = 1;
    r.statistics_verified = true;
    for (std::size_t b = 0; b < 2; ++b) {
      r.facts.sample[b] = {block.disclosed.same[b][b] + block.disclosed.different[b][b],
                           block.disclosed.different[b][b]};
      r.correlators.same[b] = block.disclosed.same[1 - b][b];
      r.correlators.different[b] = block.disclosed.different[1 - b][b];
    }
    return r;
  }
  session::BlockResult take_light() {
    tracking_->light_opens();
    session::BlockResult result = drawn();
    rig_.clock->advance_to(rig_.clock->now() + Picoseconds::seconds(link_.seconds));
    return result;
  }
  TrackReport block() {
    EXPECT_TRUE(tracking_->prepare().ok());
    return tracking_->block_done(take_light()).value();
  }

  static constexpr Angle kOffset = Angle::degrees(12);
  LinkOptions link_;
  TrackedLink fibre_{link_, 77};
  hal::Rig rig_;
  std::array<test::StubStage*, 3> stages_{};
  Notes notes_;
  std::optional<FibreTracking> tracking_;
  double qber_ = 0;
  std::uint64_t index_ = 0;
};

TEST_F(TrackedRig, KeepsALinkAlignedWhoseFibreDrifts) {
  for (int i = 0; i < 80; ++i) block();
  double sum = 0;
  for (int i = 0; i < 40; ++i) block(), sum += qber_;
  EXPECT_LT(sum / 40, (1 - link_.visibility) / 2 + 0.01);
}

TEST_F(TrackedRig, RepairsAJumpWithinTwoMinutesOfLight) {
  for (int i = 0; i < 10; ++i) block();
  fibre_.jump();
  block();
  const double jumped = qber_;
  for (int i = 0; i < 8; ++i) block();
  EXPECT_GT(jumped, 0.1);
  EXPECT_LT(qber_, 0.04);
}

TEST_F(TrackedRig, MovesNothingForABlockThatDidNotVerify) {
  fibre_.jump();
  const PlateAngles before = stands();
  for (int i = 0; i < 5; ++i) {
    session::BlockResult result = take_light();
    result.statistics_verified = false;
    const auto report = tracking_->block_done(result);
    ASSERT_TRUE(report);
    EXPECT_FALSE(report->verified);
    EXPECT_FALSE(report->worth_another_try());
    ASSERT_TRUE(tracking_->prepare().ok());
  }
  EXPECT_EQ(stands(), before);
  EXPECT_EQ(stages_[0]->moves, 0);
}

TEST_F(TrackedRig, MovesAfterTheSameBlockVerified) {
  fibre_.jump();
  const PlateAngles before = stands();
  EXPECT_TRUE(block().worth_another_try());
  ASSERT_TRUE(tracking_->prepare().ok());
  EXPECT_NE(stands(), before);
}

TEST_F(TrackedRig, TurnsPlatesBetweenBlocksAlone) {
  fibre_.jump();
  const session::BlockResult result = take_light();
  const PlateAngles before = sent();
  ASSERT_TRUE(tracking_->prepare().ok());  // as a pause does
  EXPECT_EQ(sent(), before);
  tracking_->block_done(result);
  EXPECT_NE(sent(), before);
  EXPECT_EQ(stages_[1]->moves, 0) << "the next rig that is made ready turns them";
}

TEST_F(TrackedRig, DoesNotLookAtABlockWhosePlatesMovedInIt) {
  fibre_.jump();
  const session::BlockResult result = take_light();
  stages_[1]->position = stages_[1]->position + Angle::degrees(5);
  EXPECT_FALSE(tracking_->block_done(result)->verified);
}

TEST_F(TrackedRig, SaysNothingOfABlockWhoseLightNeverOpened) { EXPECT_FALSE(tracking_->block_done(drawn())); }

TEST_F(TrackedRig, MovesNothingForABlockWithoutDetections) {
  session::BlockResult dark = take_light();
  dark = {};
  dark.statistics_verified = true;
  const PlateAngles before = sent();
  EXPECT_FALSE(tracking_->block_done(dark)->verified);
  EXPECT_EQ(sent(), before);
}

TEST_F(TrackedRig, TellsTheJournalEverySettingItSends) {
  fibre_.jump();
  block();
  EXPECT_EQ(notes_.acts, 3);
  EXPECT_EQ(notes_.told, sent());
}

TEST_F(TrackedRig, SaysThatAPlateDoesNotFollowAndGoesBackWithTheOthers) {
  fibre_.jump();
  const PlateAngles before = stands();
  stages_[1]->stuck = true;
  EXPECT_FALSE(block().not_following);
  ASSERT_TRUE(tracking_->prepare().ok()) << "a block behind plates that stand wrong is better than none";
  EXPECT_TRUE(near(stands(), before)) << "all of them are back";
  EXPECT_TRUE(block().not_following);
}

TEST_F(TrackedRig, TakesBlocksAgainAsSoonAsThePlateTurns) {
  fibre_.jump();
  stages_[1]->stuck = true;
  for (int i = 0; i < 4; ++i) block();
  stages_[1]->stuck = false;
  bool following = false;
  for (int i = 0; i < 20; ++i) following = !block().not_following;
  EXPECT_TRUE(following);
  EXPECT_LT(qber_, 0.04);
}

TEST_F(TrackedRig, LeavesThePlatesWhereOneStuckHalfWay) {
  fibre_.jump();
  block();
  stages_[1]->position = stages_[1]->position + Angle::degrees(10);
  stages_[1]->stuck = true;
  ASSERT_TRUE(tracking_->prepare().ok());
  EXPECT_TRUE(near(stands(), sent()));
  EXPECT_TRUE(block().not_following);
}

/// Its settings are what the block's slots were detected behind.
TEST_F(TrackedRig, GivesNoWayInThePauseOfABlock) {
  take_light();
  const PlateAngles before = sent();
  stages_[2]->position = stages_[2]->position + Angle::degrees(3);
  stages_[2]->stuck = true;
  EXPECT_FALSE(tracking_->prepare().ok());
  EXPECT_EQ(sent(), before);
}

TEST_F(TrackedRig, ThatIsStuckBeforeAnythingWasSentIsTheRigsOwnFault) {
  stages_[0]->position = stages_[0]->position + Angle::degrees(3);
  stages_[0]->stuck = true;
  const auto ready = tracking_->prepare();
  ASSERT_FALSE(ready.ok());
  EXPECT_EQ(ready.error().code, Code::motion_fault);
}

TEST_F(TrackedRig, RestsWhenItsPlatesHaveTravelledFarEnough) {
  TrackingOptions options;
  options.visibility = link_.visibility;
  options.travel = Angle::degrees(1);
  tracking_.emplace(rig_, options, nullptr, nullptr);
  fibre_.jump();
  EXPECT_TRUE(block().travel_spent);
  const PlateAngles before = stands();
  for (int i = 0; i < 3; ++i) block();
  EXPECT_TRUE(near(stands(), before));
}

/// A record says where the axes are that this rig believes elsewhere.
TEST_F(TrackedRig, FollowsByTheAxesThatACalibrationSaw) {
  calibration::Report record;
  for (std::size_t i = 0; i < 3; ++i) {
    rig_.compensator[i].fast_axis_offset = {};
    rig_.compensator[i].setting = rig_.compensator[i].setting + kOffset;
    rig_.compensator[i].retardance_waves = i == 1 ? 0.5 : 0.25;
    record.result[rig_.compensator[i].role + ".seen_axis_deg"] =
        (rig_.compensator[i].fast_axis_offset + kOffset).degrees();
    record.result[rig_.compensator[i].role + ".seen_retardance_waves"] = link_.waves[i];
  }
  record.fitted = {{"visibility.rectilinear", link_.visibility, 0.001, "1"},
                   {"visibility.diagonal", link_.visibility, 0.001, "1"}};
  tracking_.emplace(rig_, TrackingOptions{}, &record, nullptr);
  fibre_.jump();
  for (int i = 0; i < 10; ++i) block();
  EXPECT_LT(qber_, 0.04);
}

/// Mounts whose zeros nobody knows: the axes are those that a calibration fitted to the light of four settings, one
/// explanation of several.
class UnknownZeros : public TrackedRig, public testing::WithParamInterface<std::uint64_t> {
 protected:
  UnknownZeros() : draws_({GetParam(), NodeId::bob, Purpose::test, 3}) {
    std::vector<calibration::SettingCounts> seen;
    for (hal::CompensatorPlate& plate : rig_.compensator) {
      plate.fast_axis_offset = Angle::degrees(360 * draws_.uniform());
      plate.retardance_waves = plate.role == "compensator-1" ? 0.5 : 0.25;
    }
    for (const auto& d : {std::array{0, 0, 0}, {35, 20, 50}, {70, -30, 10}, {10, 50, -40}})
      seen.push_back(look({Angle::degrees(d[0]), Angle::degrees(d[1]), Angle::degrees(d[2])}));
    const auto fit = calibration::fit_stack({}, 0.06, seen).value();
    const PlateAngles set = fit.mounts(calibration::compensate(fit.stack, fit.channel, fit.axes({})).angles);
    for (std::size_t i = 0; i < 3; ++i) {
      rig_.compensator[i].setting = set[i];
      record_.result[rig_.compensator[i].role + ".seen_axis_deg"] =
          (rig_.compensator[i].fast_axis_offset - Angle::radians(fit.offset[i])).degrees();
      record_.result[rig_.compensator[i].role + ".seen_retardance_waves"] =
          fit.stack.retardance[i] / (2 * std::numbers::pi);
    }
    record_.fitted = {{"visibility.rectilinear", link_.visibility, 0.001, "1"},
                      {"visibility.diagonal", link_.visibility, 0.001, "1"}};
    tracking_.emplace(rig_, TrackingOptions{}, &record_, nullptr);
  }
  /// Counts behind plates that the rig sends there.
  calibration::SettingCounts look(const PlateAngles& mounts) {
    PlateAngles axes = mounts;
    for (std::size_t i = 0; i < 3; ++i) axes[i] = axes[i] + rig_.compensator[i].fast_axis_offset - kOffset;
    const calibration::Rotation whole = calibration::rotation(stack_of(link_), axes) * fibre_.fibre();
    calibration::SettingCounts counts{mounts, {}};
    for (std::size_t sent = 0; sent < 4; ++sent)
      for (std::size_t b = 0; b < 2; ++b) {
        const calibration::Stokes state(calibration::kStates[sent][0], calibration::kStates[sent][1], 0);
        const double p = (1 + link_.visibility * whole.row(static_cast<Eigen::Index>(b)).dot(state)) / 2;
        for (int i = 0; i < 3'000; ++i) ++counts.seen[sent][2 * b + (draws_.uniform() < p ? 1U : 0U)];
      }
    return counts;
  }
  CounterStream draws_;
  calibration::Report record_;
};

TEST_P(UnknownZeros, DoNotKeepItFromFindingAFibreThatJumped) {
  for (int i = 0; i < 5; ++i) block();
  EXPECT_LT(qber_, 0.04) << "as calibrated";
  for (int jumps = 0; jumps < 3; ++jumps) {
    fibre_.jump();
    for (int i = 0; i < 8; ++i) block();
    EXPECT_LT(qber_, 0.04);
  }
}

INSTANTIATE_TEST_SUITE_P(Drawn, UnknownZeros, testing::Range<std::uint64_t>(1, 6));

TEST(Tracking, IsRefusedWhereTheRigCannotDoIt) {
  hal::Rig rig;
  EXPECT_NE(why_no_tracking(rig, session::Side::bob, session::Protocol::bb84).find("no quarter-half-quarter"),
            std::string::npos);
  rig.compensator.resize(3);
  rig.receiver = hal::ReceiverKind::active;
  EXPECT_NE(why_no_tracking(rig, session::Side::bob, session::Protocol::bb84).find("active receiver"),
            std::string::npos);
  rig.receiver = hal::ReceiverKind::passive;
  EXPECT_EQ(why_no_tracking(rig, session::Side::bob, session::Protocol::bb84), "");
  EXPECT_NE(why_no_tracking(rig, session::Side::alice, session::Protocol::bb84), "");
  EXPECT_NE(why_no_tracking(rig, session::Side::bob, session::Protocol::bbm92), "");
}

}  // namespace
}  // namespace nicol::service
