// SPDX-License-Identifier: Apache-2.0
// The APT driver over emulated controllers: the contract of each kind, and what the contract cannot see.
#include <termios.h>

#include <sys/ioctl.h>
#include <cmath>

#include "drivers/hal/properties.hpp"
#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/apt_bench.hpp"

namespace nicol::hal_contract {
namespace {

using sim::AptEmulator;
using sim::AptModel;
using test::apt_contract_bench;
using test::apt_finished;
using test::apt_model;
using test::AptBench;

Fixture fixture(std::string name, AptModel model) {
  return {std::move(name), [model] { return apt_contract_bench(apt_model(model)); }};
}
const Fixture kK10{fixture("K10CR1", AptModel::k10cr1)}, kKdc{fixture("KDC101", AptModel::kdc101)},
    kMpc{fixture("MPC320", AptModel::mpc320)}, kMff{fixture("MFF101", AptModel::mff101)};

INSTANTIATE_TEST_SUITE_P(Apt, DeviceContract, testing::Values(kK10, kKdc, kMpc, kMff), fixture_name);
INSTANTIATE_TEST_SUITE_P(Apt, RotationStageContract, testing::Values(kK10, kKdc), fixture_name);
INSTANTIATE_TEST_SUITE_P(Apt, PolarizationControllerContract, testing::Values(kMpc), fixture_name);
INSTANTIATE_TEST_SUITE_P(Apt, ShutterContract, testing::Values(kMff), fixture_name);

Result<void> home(hal::RotationStage& stage) { return apt_finished(stage.home(hal::HomeDirection::positive)); }
Result<void> turn_to(hal::RotationStage& stage, double degrees) {
  return apt_finished(stage.move_absolute(Angle::degrees(degrees)));
}

class AptStage : public testing::TestWithParam<AptModel> {
 protected:
  AptBench bench_{apt_model(GetParam())};
  hal::RotationStage& stage_ = bench_.open<hal::RotationStage>();
};
INSTANTIATE_TEST_SUITE_P(Both, AptStage, testing::Values(AptModel::k10cr1, AptModel::kdc101));

TEST_P(AptStage, TurnsItsOpticToWhereItSays) {
  ASSERT_TRUE(succeeds(home(stage_)));
  EXPECT_NEAR(std::remainder(bench_.optic(), 360), 0, 0.01);
  for (const double goal : {45.0, -22.5, 0.0}) {
    ASSERT_TRUE(succeeds(turn_to(stage_, goal)));
    EXPECT_NEAR(std::remainder(bench_.optic() - goal, 360), 0, 0.01);
  }
}
TEST_P(AptStage, LogsNoPosition) {
  ASSERT_TRUE(succeeds(home(stage_)));
  ASSERT_TRUE(succeeds(turn_to(stage_, 45)));
  EXPECT_EQ(test::lines_with_content(bench_.hub().log()), std::vector<std::string>());
}
TEST_P(AptStage, HomesTheWayItIsTold) {
  // From 330 degrees the mark is 30 degrees ahead, or 330 behind.
  auto homing = stage_.home(hal::HomeDirection::negative);
  ASSERT_TRUE(succeeds(homing));
  ASSERT_TRUE(AptBench::until([&] { return bench_.optic() < 300; }));
  EXPECT_TRUE(succeeds(homing->wait(test::apt_deadline())));
}
TEST_P(AptStage, TakesTwiceTheTimeAtHalfTheVelocity) {
  ASSERT_TRUE(succeeds(home(stage_)));
  const double fastest = stage_.axis().max_velocity.degrees();
  ASSERT_TRUE(succeeds(stage_.set_velocity(Angle::degrees(fastest / 2))));
  auto motion = stage_.move_absolute(Angle::degrees(90));
  ASSERT_TRUE(succeeds(motion));
  const Picoseconds start = bench_.tty().now();
  ASSERT_TRUE(succeeds(motion->wait(test::apt_deadline())));
  const double seconds = (bench_.tty().now() - start).seconds();
  EXPECT_GT(seconds, 0.9 * 90 / (fastest / 2));
  EXPECT_LT(seconds, 90 / (fastest / 2) + 20) << "no more than the test's own delays on top";
}
TEST_P(AptStage, KeepsTheControllerTalkingForMinutes) {
  bench_.pass(120);
  EXPECT_FALSE(bench_.look([](AptEmulator& e, Picoseconds) { return e.gone_quiet() && !e.updating(); }));
  EXPECT_GT(bench_.look([](AptEmulator& e, Picoseconds) { return e.alive_messages(); }), 20u);
  EXPECT_TRUE(succeeds(stage_.status()));
}
TEST_P(AptStage, SaysGoodbyeSoThatTheNextHostFindsSilence) {
  bench_.close();
  AptBench::until([&] { return bench_.look([](AptEmulator& e, Picoseconds) { return e.goodbyes() == 1; }); });
  EXPECT_EQ(bench_.look([](AptEmulator& e, Picoseconds) { return e.goodbyes(); }), 1u);
  EXPECT_FALSE(bench_.look([](AptEmulator& e, Picoseconds) { return e.updating(); }));
}
TEST_P(AptStage, OpensTheLineAsAptWantsIt) {
  EXPECT_EQ(bench_.tty().baud(), 115'200);
  EXPECT_NE(bench_.tty().modem_lines() & TIOCM_RTS, 0u);
}
TEST_P(AptStage, SaysInterlockAndMovesNothing) {
  ASSERT_TRUE(succeeds(home(stage_)));
  bench_.turn([](AptEmulator& e) { e.raise_status(1u << 16); });
  // A report from before may still be on the line, and is taken for the answer to a question.
  ASSERT_TRUE(AptBench::until([&] { return (stage_.status()->native & 1u << 16) != 0; }));
  const auto before = bench_.moves();
  EXPECT_EQ(code_of(stage_.move_absolute(Angle::degrees(10))), Code::interlock);
  EXPECT_EQ(bench_.moves(), before);
}
TEST_P(AptStage, ReportsOverTemperatureDuringAMove) {
  ASSERT_TRUE(succeeds(home(stage_)));
  auto motion = stage_.move_absolute(Angle::degrees(180));
  ASSERT_TRUE(succeeds(motion));
  bench_.turn([](AptEmulator& e) { e.raise_status(1u << 17); });
  const auto ended = motion->wait(test::apt_deadline());
  EXPECT_EQ(code_of(ended), Code::motion_fault);
  EXPECT_NE(ended.error().message.find("over temperature"), std::string::npos) << ended.error().message;
  EXPECT_TRUE(stage_.status()->fault);
}
TEST_P(AptStage, RepeatsWhatTheControllerComplainsOf) {
  ASSERT_TRUE(succeeds(home(stage_)));
  auto motion = stage_.move_absolute(Angle::degrees(180));
  ASSERT_TRUE(succeeds(motion));
  bench_.turn([](AptEmulator& e) { e.complain(0x0453, 7, "motor not connected"); });
  const auto ended = motion->wait(test::apt_deadline());
  EXPECT_EQ(code_of(ended), Code::hardware_fault);
  EXPECT_NE(ended.error().message.find("motor not connected"), std::string::npos) << ended.error().message;
  EXPECT_EQ(hal::to_text(*stage_.read_property("last_fault")), "message 0x0453, code 7: motor not connected");
}
TEST_P(AptStage, RefusesWhatTheCounterCannotHold) {
  ASSERT_TRUE(succeeds(home(stage_)));
  EXPECT_EQ(code_of(stage_.move_absolute(Angle::degrees(1e7))), Code::out_of_range);
}
TEST_P(AptStage, NeedsHomingAfterAnUnplugEvenIfItKeptItsSupply) {
  ASSERT_TRUE(succeeds(home(stage_)));
  bench_.unplug();
  bench_.replug("ttyAPT3");
  EXPECT_EQ(stage_.info().port, "/dev/ttyAPT3");
  EXPECT_EQ(code_of(stage_.move_absolute(Angle::degrees(10))), Code::not_homed);
  ASSERT_TRUE(succeeds(home(stage_)));
  EXPECT_TRUE(succeeds(turn_to(stage_, 10)));
}
TEST_P(AptStage, StopsInSafeState) {
  ASSERT_TRUE(succeeds(home(stage_)));
  auto motion = stage_.move_absolute(Angle::degrees(180));
  ASSERT_TRUE(succeeds(motion));
  stage_.safe_state();
  EXPECT_EQ(code_of(motion->wait(test::apt_deadline())), Code::cancelled);
  EXPECT_LT(bench_.optic(), 170);
}

TEST(AptOpen, ToleratesTheStreamOfAHostThatLeftInAHurry) {
  sim::AptOptions options = apt_model(AptModel::k10cr1);
  options.updating_at_start = true;
  AptBench bench(options);
  EXPECT_TRUE(succeeds(bench.open<hal::RotationStage>().status()));
}
TEST(AptOpen, FindsByDescriptorsAloneWithModelAndSerialNumber) {
  AptBench bench(apt_model(AptModel::kdc101));
  const auto found = bench.driver().find({}, test::apt_deadline());
  ASSERT_TRUE(succeeds(found));
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().at("model"), "KDC101");
  EXPECT_EQ(found->front().at("serial"), "27000456");
  EXPECT_EQ(found->front().at("port"), "/dev/ttyAPT0");
  EXPECT_EQ(bench.tty().opens(), 0u);
}
TEST(AptOpen, TakesAK10cr2ByItsOwnWord) {
  sim::AptOptions options = apt_model(AptModel::k10cr1);
  options.model_text = "K10CR2";
  AptBench bench(options);
  EXPECT_EQ(bench.open<hal::RotationStage>().axis().max_velocity.degrees(), 20);
}
TEST(AptOpen, RefusesAControllerThatIsAnotherKindThanItsSerialNumberSays) {
  sim::AptOptions options = apt_model(AptModel::k10cr1);
  options.model_text = "BSC203";
  AptBench bench(options);
  EXPECT_EQ(code_of(bench.make()), Code::not_supported);
}
TEST(AptOpen, RefusesASerialNumberItKnowsNothingOf) {
  sim::AptOptions options = apt_model(AptModel::k10cr1);
  options.serial = "99000001";
  AptBench bench(options);
  const auto made = bench.make();
  EXPECT_EQ(code_of(made), Code::not_supported);
  EXPECT_NE(made.error().message.find("model="), std::string::npos);
}
TEST(AptOpen, SaysThatNothingIsPluggedIn) {
  AptBench bench(apt_model(AptModel::k10cr1));
  EXPECT_EQ(code_of(bench.make({{"serial", "55999999"}})), Code::not_found);
}
TEST(AptOpen, RefusesArgumentsThatMeanNothing) {
  AptBench bench(apt_model(AptModel::mff101));
  EXPECT_EQ(code_of(bench.make({{"closed", "3"}})), Code::bad_input);
  EXPECT_EQ(code_of(bench.make({{"backlash", "much"}})), Code::bad_input);
}

TEST(AptPaddles, MoveTogetherAndOnlyWhenMeant) {
  AptBench bench(apt_model(AptModel::mpc320));
  auto& paddles = bench.open<hal::PolarizationController>();
  auto first = paddles.set(0, 20), third = paddles.set(2, 150);
  ASSERT_TRUE(succeeds(apt_finished(std::move(first))));
  ASSERT_TRUE(succeeds(apt_finished(std::move(third))));
  EXPECT_NEAR(bench.optic(0), 20, 0.13);
  EXPECT_NEAR(bench.optic(1), 60, 0.13);
  EXPECT_NEAR(bench.optic(2), 150, 0.13);
}
TEST(AptPaddles, KnowTheirPositionWithoutHoming) {
  AptBench bench(apt_model(AptModel::mpc320));
  EXPECT_NEAR(*bench.open<hal::PolarizationController>().get(1), 60, 0.13);
}

TEST(AptPaddles, ShowTheirTrafficBecauseItIsNoBasisAndNoBit) {
  AptBench bench(apt_model(AptModel::mpc320));
  ASSERT_TRUE(succeeds(apt_finished(bench.open<hal::PolarizationController>().set(0, 20))));
  EXPECT_FALSE(test::lines_with_content(bench.hub().log()).empty());
}

TEST(AptMirror, ClosesWhenItIsOpened) {
  sim::AptOptions options = apt_model(AptModel::mff101);
  AptBench bench(options);
  auto& shutter = bench.open<hal::Shutter>({{"closed", "2"}});
  bench.pass(1);
  EXPECT_EQ(*shutter.state(), hal::ShutterState::closed);
  EXPECT_EQ(bench.look([](AptEmulator& e, Picoseconds now) { return e.mirror(now); }), 2);
}
TEST(AptMirror, ClosesWhenItsCableComesBack) {
  AptBench bench(apt_model(AptModel::mff101));
  auto& shutter = bench.open<hal::Shutter>();
  ASSERT_TRUE(succeeds(shutter.open()));
  bench.pass(1);
  bench.unplug();
  bench.replug();
  bench.pass(1);
  EXPECT_EQ(*shutter.state(), hal::ShutterState::closed);
}

}  // namespace
}  // namespace nicol::hal_contract
