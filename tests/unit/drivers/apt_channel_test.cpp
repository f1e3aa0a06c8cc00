// SPDX-License-Identifier: Apache-2.0
// When a move counts as done, and as what: reports in, outcome out, the time told.
#include <gtest/gtest.h>

#include "drivers/apt/channel.hpp"

namespace nicol::apt {
namespace {

using namespace std::chrono_literals;

class AptChannel : public testing::Test {
 protected:
  void pass(std::chrono::milliseconds t) { now_ += t; }
  void hear(std::int32_t position, std::uint32_t status, Id as = Id::mot_get_status) {
    channel_.report({1, position, status | bits::kPowerOk}, as, now_);
  }
  std::uint64_t move_to(std::int32_t target) { return channel_.begin(Channel::Goal::position, target, now_); }
  std::optional<Result<void>> outcome(std::uint64_t number) { return channel_.outcome(number).result; }
  Code code(std::uint64_t number) {
    const auto result = outcome(number);
    EXPECT_TRUE(result && !*result) << "no failure";
    return result && !*result ? result->error().code : Code::internal;
  }

  Channel::Time now_{1h};
  Channel channel_{5, 100, "55000123"};
  static constexpr std::uint32_t kMoving = 3u << 4, kHomed = bits::kHomed;
};

TEST_F(AptChannel, HasArrivedWhenItIsSaidToHaveAndReadsBackTheTarget) {
  const auto move = move_to(1000);
  hear(500, kMoving | kHomed);
  EXPECT_FALSE(outcome(move));
  hear(1000, kHomed, Id::mot_move_completed);
  EXPECT_FALSE(outcome(move)) << "nothing has been read back yet";
  hear(1002, kHomed);
  ASSERT_TRUE(outcome(move));
  EXPECT_TRUE(outcome(move)->ok());
}
TEST_F(AptChannel, HasNotArrivedBesideTheTarget) {
  const auto move = move_to(1000);
  hear(500, kMoving | kHomed);
  hear(1000, kHomed, Id::mot_move_completed);
  hear(994, kHomed);
  EXPECT_EQ(code(move), Code::motion_fault);
  EXPECT_TRUE(channel_.fault());
}
TEST_F(AptChannel, JudgesByStandingStillWhereTheMessageOfTheEndWasLost) {
  const auto move = move_to(1000);
  hear(500, kMoving | kHomed);
  hear(1000, kHomed);
  EXPECT_FALSE(outcome(move)) << "it may be about to take out its backlash";
  pass(500ms);
  hear(1000, kHomed);
  EXPECT_TRUE(outcome(move) && outcome(move)->ok());
}
TEST_F(AptChannel, IsNotFooledByThePauseBeforeTheBacklashIsTakenOut) {
  const auto move = move_to(1000);
  hear(900, kMoving | kHomed);
  hear(1100, kHomed);
  pass(200ms);
  hear(1050, kMoving | kHomed);
  pass(300ms);
  hear(1000, kHomed);
  EXPECT_FALSE(outcome(move));
}
TEST_F(AptChannel, SaysThatNothingMovedWhenACommandWasIgnored) {
  hear(0, kHomed);
  const auto move = move_to(1000);
  hear(0, kHomed);
  pass(500ms);
  hear(0, kHomed);
  EXPECT_FALSE(outcome(move));
  pass(500ms);
  hear(0, kHomed);
  ASSERT_EQ(code(move), Code::motion_fault);
  EXPECT_EQ(
      outcome(move)->error().message,
      "the stage is more than 0.0500 deg from where it was sent (0x10000400): look for what blocks it, then home");
}
TEST_F(AptChannel, JudgesNothingWithoutAFreshReport) {
  const auto move = move_to(1000);
  hear(0, kHomed);
  pass(1500ms);
  channel_.look(now_);
  EXPECT_FALSE(outcome(move)) << "a silent controller is not one that stands";
}
TEST_F(AptChannel, SaysThatTheControllerFellSilent) {
  const auto move = move_to(1000);
  hear(10, kMoving | kHomed);
  pass(4s);
  channel_.look(now_);
  EXPECT_EQ(code(move), Code::timeout);
}
TEST_F(AptChannel, NeedsAFaultSaidTwice) {
  const auto move = move_to(1000);
  hear(10, kMoving | kHomed | bits::kOverTemperature);
  EXPECT_FALSE(outcome(move)) << "one report may be two halves of two";
  hear(10, kMoving | kHomed | bits::kOverTemperature);
  EXPECT_EQ(code(move), Code::motion_fault);
}
TEST_F(AptChannel, CallsAnInterlockAnInterlock) {
  const auto move = move_to(1000);
  hear(10, bits::kInterlock);
  hear(10, bits::kInterlock);
  EXPECT_EQ(code(move), Code::interlock);
}
TEST_F(AptChannel, NamesTheLimitSwitch) {
  const auto move = move_to(1000);
  hear(100, kMoving | kHomed);
  hear(700, kHomed | bits::kLimitForward, Id::mot_move_completed);
  hear(700, kHomed | bits::kLimitForward);
  EXPECT_EQ(code(move), Code::limit_switch);
}
TEST_F(AptChannel, WasStoppedWhereverItStands) {
  const auto move = move_to(1000);
  hear(100, kMoving | kHomed);
  channel_.stopping();
  hear(300, kHomed, Id::mot_stopped);
  hear(300, kHomed);
  EXPECT_EQ(code(move), Code::cancelled);
  EXPECT_FALSE(channel_.fault());
}
TEST_F(AptChannel, RepeatsTheWordsOfAComplaint) {
  const auto move = move_to(1000);
  channel_.complained({0x0453, 7, "out of range"});
  ASSERT_EQ(code(move), Code::hardware_fault);
  EXPECT_NE(outcome(move)->error().message.find("out of range"), std::string::npos);
}
TEST_F(AptChannel, HomesOnlyWhenTheBitSaysSo) {
  const auto homing = channel_.begin(Channel::Goal::home, 0, now_);
  hear(100, bits::kHoming);
  channel_.homed(now_);
  hear(0, 0);
  EXPECT_EQ(code(homing), Code::motion_fault);
}
TEST_F(AptChannel, ForgetsItsHomeWithTheCable) {
  hear(0, kHomed);
  EXPECT_TRUE(channel_.is_homed());
  channel_.lost({Code::disconnected, "gone", "", 0, {}});
  hear(0, kHomed);
  EXPECT_FALSE(channel_.is_homed()) << "a controller with a supply of its own still says homed";
  channel_.begin(Channel::Goal::home, 0, now_);
  channel_.homed(now_);
  hear(0, kHomed);
  EXPECT_TRUE(channel_.is_homed());
}
TEST_F(AptChannel, LosesAMoveWithTheCable) {
  const auto move = move_to(1000);
  channel_.lost({Code::disconnected, "gone", "", 0, {}});
  EXPECT_EQ(code(move), Code::disconnected);
}
TEST_F(AptChannel, RemembersWhatBecameOfTheMoveBefore) {
  const auto first = move_to(1000);
  channel_.stopping();
  hear(300, kHomed, Id::mot_stopped);
  hear(300, kHomed);
  const auto second = move_to(2000);
  EXPECT_EQ(code(first), Code::cancelled);
  EXPECT_FALSE(outcome(second));
}
TEST_F(AptChannel, CountsMovesAndTheWayTheyWent) {
  hear(0, kHomed);
  for (const std::int32_t target : {400, 100}) {
    move_to(target);
    hear(target, kHomed, Id::mot_move_completed);
    hear(target, kHomed);
  }
  EXPECT_EQ(channel_.moves(), 2u);
  EXPECT_EQ(channel_.counts_moved(), 700);
}

}  // namespace
}  // namespace nicol::apt
