// SPDX-License-Identifier: Apache-2.0
// Heartbeats, the watchdog to the millisecond, the order of the safe state, and arming.
#include <gtest/gtest.h>

#include "tests/unit/firmware/host.hpp"

namespace nicol::fw::test {
namespace {

int count(const std::vector<Said>& said, Type type) {
  return static_cast<int>(
      std::count_if(said.begin(), said.end(), [type](const Said& s) { return s.message.header.type == type; }));
}

TEST(Heartbeat, ComesEveryQuarterSecond) {
  Bench b;
  b.hello(1);
  b.hear();
  b.pass(249);
  EXPECT_EQ(count(b.hear(), Type::heartbeat), 0);
  b.pass(1);
  const auto said = b.hear();
  ASSERT_EQ(count(said, Type::heartbeat), 1);
  EXPECT_EQ(said[0].as<Heartbeat>(), (Heartbeat{static_cast<std::uint32_t>(b.now), Emission::off, 0}));
}

TEST(Heartbeat, IsNotSentToNobody) {
  Bench b;
  b.pass(2000);
  EXPECT_TRUE(b.hear().empty());
}

TEST(Watchdog, PutsTheLightOutAfterASecondOfSilence) {
  Bench b;
  b.light_up();
  ASSERT_EQ(b.board.is.emission, Switch::on);
  const std::uint64_t heard = b.now;
  b.beat();
  b.pass(999);
  EXPECT_EQ(b.board.is.emission, Switch::on);
  b.pass(1);
  EXPECT_EQ(b.now - heard, 1000U);
  EXPECT_EQ(b.board.is.emission, Switch::off);
  EXPECT_EQ(b.firmware->faults(), kFaultLinkLost);
}

TEST(Watchdog, AtItsShortestLivesOnAt249AndEndsAt251) {
  for (const std::uint64_t gap : {249U, 251U}) {
    Bench b;
    b.light_up();
    ASSERT_EQ(b.set(Property::watchdog_ms, 250), kDone);
    for (int i = 0; i < 4; ++i) {
      b.pass(gap);
      b.beat();
    }
    EXPECT_EQ(b.board.is.emission, gap < 250 ? Switch::on : Switch::off) << gap;
  }
}

TEST(Watchdog, ABeatThatComesTooLateSavesNothingEvenWithoutAPollBetween) {
  Bench b;
  b.light_up();
  b.now += 1000;
  b.beat();
  EXPECT_EQ(b.board.is.emission, Switch::off);
}

TEST(Watchdog, TakesAQuarterToFiveSecondsAndNeverOff) {
  Bench b;
  b.hello(1);
  EXPECT_EQ(b.set(Property::watchdog_ms, 249), Nack::bad_value);
  EXPECT_EQ(b.set(Property::watchdog_ms, 5001), Nack::bad_value);
  EXPECT_EQ(b.set(Property::watchdog_ms, 0), Nack::bad_value);
  EXPECT_EQ(b.set(Property::watchdog_ms, 5000), kDone);
  EXPECT_EQ(b.get(Property::watchdog_ms), 5000);
}

TEST(Watchdog, CannotBeWidenedWhileThereIsLight) {
  Bench b;
  b.light_up();
  EXPECT_EQ(b.set(Property::watchdog_ms, 1001), Nack::unsafe);
  EXPECT_EQ(b.set(Property::watchdog_ms, 500), kDone);
}

TEST(Watchdog, IsAtOneSecondAgainInTheNextSession) {
  Bench b;
  b.hello(1);
  b.set(Property::watchdog_ms, 5000);
  b.hello(2);
  EXPECT_EQ(b.get(Property::watchdog_ms), 1000);
}

TEST(SafeState, GoesFromEmissionToShutterToAttenuatorToPatternToMotorsToDetectors) {
  Bench b;
  b.light_up();
  std::vector<std::string> log;
  b.board.log = &log;
  EXPECT_EQ(b.order(Type::safe_state), kDone);
  const std::vector<std::string> expected{"emission off", "shutter closed", "shutter closed", "attenuator maximum",
                                          "pattern stop", "motor hold",     "motor hold",     "detector off",
                                          "detector off", "detector off",   "detector off"};
  EXPECT_EQ(log, expected);
  EXPECT_EQ(b.firmware->faults(), kFaultCommanded);
  EXPECT_EQ(b.firmware->emission(), Emission::tripped);
}

TEST(SafeState, IsObeyedWithoutASession) {
  Bench b;
  b.light_up();
  b.put(Type::safe_state, 0, static_cast<std::uint16_t>(b.seq + 0x4000), {});
  EXPECT_EQ(b.board.is.emission, Switch::off);
}

TEST(SafeState, RefusesAllThatCouldLetLightInUntilTheFaultIsCleared) {
  Bench b;
  b.hello(1);
  b.order(Type::safe_state);
  EXPECT_EQ(b.set(Property::shutter, 1), Nack::fault_latched);
  EXPECT_EQ(b.set(Property::detector_enable, 1), Nack::fault_latched);
  EXPECT_EQ(b.set(Property::attenuator, 0), Nack::fault_latched);
  EXPECT_EQ(b.order(Type::home, Axis{0}), Nack::fault_latched);
  EXPECT_EQ(b.arm(), Nack::fault_latched);
  EXPECT_EQ(b.set(Property::shutter, 0), kDone);
  EXPECT_EQ(b.order(Type::clear_fault, kEveryFault), kDone);
  EXPECT_EQ(b.set(Property::shutter, 1), kDone);
}

TEST(SafeState, TellsTheFaultOnce) {
  Bench b;
  b.light_up();
  b.hear();
  b.pass(1100);
  const auto said = b.hear();
  ASSERT_EQ(count(said, Type::error_event), 1);
  for (const Said& s : said)
    if (s.message.header.type == Type::error_event) {
      EXPECT_EQ(s.as<ErrorEvent>().faults, kFaultLinkLost);
    }
}

TEST(Arming, WantsTwoSecondsOfHeartbeatsAndSaysHowLongToWait) {
  Bench b;
  b.hello(1);
  b.live(1000);
  const Said refused = b.ask(Type::arm, Arm{b.nonce()});
  EXPECT_EQ(b.outcome(refused), Nack::busy);
  EXPECT_EQ(refused.as<Answer>().detail, 1000);
  b.live(1000);
  EXPECT_EQ(b.arm(), kDone);
}

TEST(Arming, CountsTheTwoSecondsAnewAfterHalfASecondOfSilence) {
  Bench b;
  b.hello(1);
  b.live(2500);
  b.pass(600);
  EXPECT_EQ(b.arm(), Nack::busy);
}

TEST(Arming, TakesANonceOnce) {
  Bench b;
  b.hello(1);
  b.live(2500);
  const std::uint64_t nonce = b.nonce();
  EXPECT_EQ(b.order(Type::arm, Arm{nonce}), kDone);
  b.order(Type::disable_emission);
  EXPECT_EQ(b.order(Type::arm, Arm{nonce}), Nack::bad_value);
}

TEST(Arming, AWrongTryUsesTheNonceUp) {
  Bench b;
  b.hello(1);
  b.live(2500);
  const std::uint64_t nonce = b.nonce();
  EXPECT_EQ(b.order(Type::arm, Arm{nonce + 1}), Nack::bad_value);
  EXPECT_EQ(b.order(Type::arm, Arm{nonce}), Nack::bad_value);
}

TEST(Arming, AFreshNonceReplacesTheOneBefore) {
  Bench b;
  b.hello(1);
  b.live(2500);
  const std::uint64_t old = b.nonce();
  b.nonce();
  EXPECT_EQ(b.order(Type::arm, Arm{old}), Nack::bad_value);
}

TEST(Arming, IsRefusedWithAnOpenInterlockOrKeySwitch) {
  Bench b;
  b.hello(1);
  b.live(2500);
  b.board.is.interlock = Loop::open;
  EXPECT_EQ(b.arm(), Nack::interlock_open);
  b.board.is.interlock = Loop::closed;
  b.board.is.key = Loop::open;
  EXPECT_EQ(b.arm(), Nack::interlock_open);
}

TEST(Arming, EndsFiveSecondsLaterWithoutEnable) {
  Bench b;
  b.hello(1);
  b.live(2500);
  ASSERT_EQ(b.arm(), kDone);
  b.live(4995);
  EXPECT_EQ(b.firmware->emission(), Emission::armed);
  b.live(10);
  EXPECT_EQ(b.order(Type::enable_emission), Nack::not_armed);
}

TEST(Arming, IsRefusedByABoardWithoutSource) {
  Bench b;
  b.board.about.source = {};
  b.hello(1);
  EXPECT_EQ(b.order(Type::arm, Arm{1}), Nack::unsupported);
}

TEST(Interlock, OpeningItTripsAndOnlyAClosedOneCanBeCleared) {
  Bench b;
  b.light_up();
  b.board.is.interlock = Loop::open;
  b.pass(5);
  EXPECT_EQ(b.board.is.emission, Switch::off);
  EXPECT_EQ(b.firmware->faults(), kFaultInterlock);
  EXPECT_EQ(b.order(Type::clear_fault, kEveryFault), Nack::interlock_open);
  b.board.is.interlock = Loop::closed;
  EXPECT_EQ(b.order(Type::clear_fault, kEveryFault), kDone);
  EXPECT_EQ(b.board.is.emission, Switch::off);
}

TEST(Interlock, OpeningItWithoutLightIsNoFault) {
  Bench b;
  b.hello(1);
  b.board.is.interlock = Loop::open;
  b.pass(5);
  EXPECT_EQ(b.firmware->faults(), 0);
}

TEST(Unplug, IsFollowedByNoLightWithoutAWholeNewArming) {
  Bench b;
  b.light_up();
  b.firmware->link_lost(b.now);
  EXPECT_EQ(b.board.is.emission, Switch::off);
  b.hello(0x5000);
  b.live(3000);
  EXPECT_EQ(b.order(Type::enable_emission), Nack::fault_latched);
  EXPECT_EQ(b.arm(), Nack::fault_latched);
  EXPECT_EQ(b.order(Type::clear_fault, kEveryFault), kDone);
  EXPECT_EQ(b.order(Type::enable_emission), Nack::not_armed);
  EXPECT_EQ(b.board.is.emissions_on, 1);
  EXPECT_EQ(b.arm(), kDone);
  EXPECT_EQ(b.order(Type::enable_emission), kDone);
}

TEST(Unplug, ANewSessionWithoutOneFindsTheLightOutToo) {
  Bench b;
  b.light_up();
  b.hello(0x5000);
  EXPECT_EQ(b.board.is.emission, Switch::off);
  EXPECT_EQ(b.firmware->faults(), kFaultLinkLost);
}

TEST(Faults, AreTakenBackByNameAndNoOthers) {
  Bench b;
  b.light_up();
  b.order(Type::safe_state);
  b.board.is.healthy = Done::no;
  b.pass(5);
  b.board.is.healthy = Done::yes;
  ASSERT_EQ(b.firmware->faults(), kFaultCommanded | kFaultHardware);
  EXPECT_EQ(b.order(Type::clear_fault, ClearFault{kFaultCommanded}), kDone);
  EXPECT_EQ(b.firmware->faults(), kFaultHardware) << "one that the host had not named";
  EXPECT_EQ(b.arm(), Nack::fault_latched);
  EXPECT_EQ(b.order(Type::clear_fault, ClearFault{kFaultHardware}), kDone);
  EXPECT_EQ(b.firmware->faults(), 0);
}

TEST(Hardware, AFaultOfItsOwnTrips) {
  Bench b;
  b.light_up();
  b.board.is.healthy = Done::no;
  b.pass(5);
  EXPECT_EQ(b.board.is.emission, Switch::off);
  EXPECT_EQ(b.order(Type::clear_fault, kEveryFault), Nack::fault_latched);
}

}  // namespace
}  // namespace nicol::fw::test
