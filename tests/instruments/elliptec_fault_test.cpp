// SPDX-License-Identifier: Apache-2.0
// Cables pulled, replies lost, late or wrong: the Elliptec driver ends each call in time, moves nothing twice and says
// what to do.
#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/elliptec_bench.hpp"

namespace nicol {
namespace {

using hal_contract::code_of;
using hal_contract::succeeds;
using sim::Fault;
using sim::FaultKind;
using sim::FaultSide;
using test::ElliptecBench;
using test::finished;
using test::home;
using test::turn_to;

class ElliptecFaults : public testing::Test {
 protected:
  void SetUp() override {
    stage_ = bench_.open();
    ASSERT_TRUE(succeeds(home(*stage_)));
    moves_ = bench_.moves();
  }
  hal::RotationStage& stage() { return *stage_; }
  ElliptecBench& bench() { return bench_; }
  sim::Ell14Module& mount() { return bench_.mounts().module(0); }
  /// The fault begins with the nth byte from now.
  void plan(FaultKind kind, FaultSide side, std::uint64_t from, std::uint64_t count, double late_seconds = 0) {
    bench_.tty().set_faults({Fault{kind, side, from, count, Picoseconds::seconds(late_seconds), 0x40}});
  }
  std::uint64_t moves_since() { return bench_.moves() - moves_; }
  /// One second of the test is ten of the mount.
  static void pass(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

 private:
  ElliptecBench bench_;
  std::unique_ptr<hal::RotationStage> stage_;
  std::uint64_t moves_ = 0;
};

/// What passes when a move goes well: "0gs" 7 back, "0gp" 13 back, "0ma…" 11 out, 7 (busy) and 13 back, "0gp" 13 back.
constexpr std::uint64_t kBytesOut = 20, kBytesBack = 53;

TEST_F(ElliptecFaults, PulledCableAtAnyByteEndsTheMove) {
  for (const FaultSide side : {FaultSide::to_device, FaultSide::from_device}) {
    const std::uint64_t bytes = side == FaultSide::to_device ? kBytesOut : kBytesBack;
    for (std::uint64_t at = 0; at < bytes; at += 7) {
      ASSERT_TRUE(succeeds(turn_to(stage(), 10)));
      const std::uint64_t before = bench().moves();
      plan(FaultKind::unplug, side, at, 1);
      const auto moved = turn_to(stage(), 40);
      EXPECT_EQ(code_of(moved), Code::disconnected) << at;
      EXPECT_LE(bench().moves() - before, 1u);
      EXPECT_EQ(code_of(stage().status()), Code::disconnected);
      bench().tty().set_faults({});
      bench().replug(stage());
      EXPECT_EQ(code_of(turn_to(stage(), 40)), Code::not_homed);
      ASSERT_TRUE(succeeds(home(stage())));
    }
  }
}

TEST_F(ElliptecFaults, AnyLostByteOfAReplyEndsInTimeAndMovesOnce) {
  for (std::uint64_t at = 0; at < kBytesBack; at += 9) {
    const std::uint64_t before = bench().moves();
    plan(FaultKind::drop, FaultSide::from_device, at, 1);
    const auto moved = turn_to(stage(), at % 2 == 0 ? 30 : 60);
    EXPECT_LE(bench().moves() - before, 1u) << at;
    if (!moved) {
      EXPECT_EQ(moved.error().code, Code::timeout) << at << ": " << describe(moved.error());
      EXPECT_NE(moved.error().message.find("powered"), std::string::npos) << moved.error().message;
    }
    bench().tty().set_faults({});
  }
}

TEST_F(ElliptecFaults, AnyDamagedByteOfAReplyIsNeverTakenForAPosition) {
  for (std::uint64_t at = 0; at < kBytesBack; at += 8) {
    const std::uint64_t before = bench().moves();
    plan(FaultKind::corrupt, FaultSide::from_device, at, 1);
    const double goal = at % 16 == 0 ? 30 : 60;
    const auto moved = turn_to(stage(), goal);
    EXPECT_LE(bench().moves() - before, 1u) << at;
    bench().tty().set_faults({});
    if (moved) {
      EXPECT_NEAR(stage().status()->position.degrees(), goal, 0.15) << at;
    }
  }
}

TEST_F(ElliptecFaults, LostEndOfMoveIsMadeUpForByReadingThePosition) {
  plan(FaultKind::drop, FaultSide::from_device, 20 + 7, 13);
  EXPECT_TRUE(succeeds(turn_to(stage(), 30)));
  EXPECT_EQ(moves_since(), 1u);
}

TEST_F(ElliptecFaults, MoveThatNeverReachedTheMountIsNotSentAgain) {
  plan(FaultKind::drop, FaultSide::to_device, 6, 11);
  const auto moved = turn_to(stage(), 30);
  EXPECT_EQ(code_of(moved), Code::motion_fault);
  EXPECT_NE(moved.error().message.find("never said"), std::string::npos) << moved.error().message;
  EXPECT_EQ(moves_since(), 0u);
  EXPECT_TRUE(stage().status()->fault);
  EXPECT_TRUE(succeeds(turn_to(stage(), 30)));
}

TEST_F(ElliptecFaults, HalfAMoveIsDroppedByTheMount) {
  plan(FaultKind::drop, FaultSide::to_device, 6 + 10, 1);
  const auto moved = turn_to(stage(), 30);
  EXPECT_EQ(code_of(moved), Code::timeout);
  EXPECT_NE(moved.error().message.find("half a command"), std::string::npos) << moved.error().message;
  EXPECT_EQ(moves_since(), 0u);
  EXPECT_TRUE(succeeds(turn_to(stage(), 30)));
}

TEST_F(ElliptecFaults, HalfAQuestionNeverBecomesPartOfTheNextRequest) {
  plan(FaultKind::drop, FaultSide::to_device, 2, 1);
  EXPECT_EQ(code_of(stage().status()), Code::timeout);
  EXPECT_TRUE(succeeds(turn_to(stage(), 30)));
  EXPECT_EQ(moves_since(), 1u);
}

TEST_F(ElliptecFaults, GarbageBetweenRepliesIsSteppedOver) {
  plan(FaultKind::garbage, FaultSide::from_device, 0, 5);
  const auto status = stage().status();
  if (!status) {
    EXPECT_EQ(status.error().code, Code::timeout);
  }
  EXPECT_TRUE(succeeds(turn_to(stage(), 30)));
}

TEST_F(ElliptecFaults, DoubledBytesAreNoReply) {
  plan(FaultKind::duplicate, FaultSide::from_device, 4, 1);
  EXPECT_EQ(code_of(stage().status()), Code::timeout);
  EXPECT_TRUE(succeeds(stage().status()));
}

TEST_F(ElliptecFaults, LateReplyIsNotTakenForTheNextOne) {
  bench().tty().locked([&] { mount().delay_answers(Picoseconds::seconds(6)); });
  EXPECT_EQ(code_of(stage().status()), Code::timeout);
  bench().tty().locked([&] { mount().delay_answers({}); });
  EXPECT_TRUE(succeeds(turn_to(stage(), 30)));
  EXPECT_NEAR(stage().status()->position.degrees(), 30, 0.15);
}

TEST_F(ElliptecFaults, BusyMountRefusesTheMoveInsteadOfLosingIt) {
  bench().tty().locked([&] { mount().be_busy_until(bench().tty().now() + Picoseconds::seconds(5)); });
  EXPECT_EQ(code_of(turn_to(stage(), 30)), Code::busy);
  EXPECT_EQ(moves_since(), 0u);
  pass(0.6);
  EXPECT_TRUE(succeeds(turn_to(stage(), 30)));
}

TEST_F(ElliptecFaults, StallSaysWhatToDo) {
  bench().tty().locked([&] { mount().stall_next(); });
  const auto moved = turn_to(stage(), 90);
  ASSERT_EQ(code_of(moved), Code::motion_fault);
  EXPECT_EQ(moved.error().native_code, 2);
  EXPECT_NE(moved.error().message.find("raise the velocity"), std::string::npos);
  EXPECT_TRUE(succeeds(turn_to(stage(), 90)));
}

TEST_F(ElliptecFaults, OldComplaintIsClearedBeforeAMove) {
  bench().tty().locked([&] { mount().set_status(0x02); });
  EXPECT_TRUE(succeeds(turn_to(stage(), 30)));
}

TEST_F(ElliptecFaults, SilentMountEndsEveryCallInTime) {
  plan(FaultKind::drop, FaultSide::from_device, 0, 1'000'000);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(code_of(stage().status()), Code::timeout);
  EXPECT_EQ(code_of(stage().move_absolute(Angle::degrees(30))), Code::timeout);
  EXPECT_EQ(code_of(stage().read_property("velocity")), Code::timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(4));
  EXPECT_EQ(moves_since(), 0u);
}

TEST_F(ElliptecFaults, MoveThatSomebodyGaveUpWaitingForStillEnds) {
  auto motion = stage().move_absolute(Angle::degrees(90));
  ASSERT_TRUE(succeeds(motion));
  EXPECT_EQ(code_of(motion->wait(test::in_seconds(0))), Code::timeout);
  pass(0.2);
  EXPECT_TRUE(stage().status()->settled);
  EXPECT_TRUE(succeeds(motion->wait(test::in_seconds(0))));
}

TEST_F(ElliptecFaults, FailureIsStillToldAfterTheNextMove) {
  bench().tty().locked([&] { mount().stall_next(); });
  auto failed = stage().move_absolute(Angle::degrees(90));
  ASSERT_TRUE(succeeds(failed));
  pass(0.4);
  ASSERT_TRUE(succeeds(turn_to(stage(), 20)));
  EXPECT_EQ(code_of(failed->wait(test::in_seconds(1))), Code::motion_fault);
}

}  // namespace
}  // namespace nicol
