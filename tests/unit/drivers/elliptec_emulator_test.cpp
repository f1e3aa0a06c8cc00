// SPDX-License-Identifier: Apache-2.0
// The emulated mounts, spoken to in bytes: what they say, when, and where their optics are by then.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "sim/emulators/ell14.hpp"

namespace nicol::sim {
namespace {

class Ell14 : public testing::Test {
 protected:
  void use(Ell14BusConfig config) { bus_ = std::make_unique<Ell14Bus>(std::move(config)); }
  Ell14Bus& bus() { return *bus_; }
  void say(std::string_view text) {
    bus_->receive({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, now_);
  }
  std::string hear(double seconds) {
    now_ += Picoseconds::seconds(seconds);
    std::vector<std::uint8_t> out;
    bus_->collect(out, now_);
    return {out.begin(), out.end()};
  }
  std::string ask(std::string_view text, double seconds = 0.01) {
    say(text);
    return hear(seconds);
  }
  void homed(char address = '0') { ask(std::string(1, address) + "ho1", 5); }
  double degrees(std::size_t i = 0) { return bus_->angle(i, now_).degrees(); }
  Picoseconds now_ = Picoseconds::seconds(1);

 private:
  std::unique_ptr<Ell14Bus> bus_ = std::make_unique<Ell14Bus>();
};

Ell14BusConfig three_mounts() {
  Ell14BusConfig config;
  config.modules.resize(3);
  config.modules[0].address = '2';
  config.modules[1].address = '3';
  config.modules[1].serial = "11400284";
  config.modules[1].year = 2021;
  config.modules[1].firmware = 0x15;
  config.modules[2].address = '8';
  config.modules[2].serial = "11400609";
  return config;
}

Ell14BusConfig exact() {
  Ell14BusConfig config;
  config.modules[0].repeatability = Angle{};
  config.modules[0].says_busy = false;
  return config;
}

TEST_F(Ell14, SaysWhoItIsAsTheCapturesHaveIt) {
  use(three_mounts());
  EXPECT_EQ(ask("2in"), "2IN0E1140051720231701016800023000\r\n");
  EXPECT_EQ(ask("3in"), "3IN0E1140028420211501016800023000\r\n");
  EXPECT_EQ(ask("8in"), "8IN0E1140060920231701016800023000\r\n");
}

TEST_F(Ell14, IsSilentUnderAddressesNobodyHas) { EXPECT_EQ(ask("5in", 3), ""); }

TEST_F(Ell14, TellsItsMotorsAsTheCaptureHasIt) { EXPECT_EQ(ask("0i1"), "0I1100428FFFFFFFF00BD008B\r\n"); }

TEST_F(Ell14, AnswersNothingBeforeItsFirmwareHadTime) {
  say("0in");
  EXPECT_EQ(hear(0.001), "");
  EXPECT_NE(hear(0.01), "");
}

TEST_F(Ell14, TurnsItsOpticByTheAngleOfTheCommand) {
  use(exact());
  homed();
  const double zero = degrees();
  for (const auto& [command, angle] : std::vector<std::pair<std::string, double>>{
           {"0ma00002300", 22.5}, {"0ma00004600", 45}, {"0ma00008C00", 90}, {"0maFFFFFF39", -0.5}}) {
    ask(command, 2);
    EXPECT_NEAR(degrees() - zero, angle, 0.006) << command;
  }
}

TEST_F(Ell14, SaysItsPositionWhenItHasArrived) {
  use(exact());
  homed();
  say("0ma00008C00");
  EXPECT_EQ(hear(0.1), "");
  EXPECT_EQ(hear(1), "0PO00008C00\r\n");
}

TEST_F(Ell14, SaysNegativePositionsInTwosComplement) {
  use(exact());
  homed();
  EXPECT_EQ(ask("0maFFFFDA9C", 2), "0POFFFFDA9C\r\n");
  EXPECT_EQ(ask("0gp"), "0POFFFFDA9C\r\n");
}

TEST_F(Ell14, TakesTheTimeOfItsSpeed) {
  use(exact());
  homed();
  say("0ma00008C00");
  now_ += Picoseconds::seconds(45.0 / 430);
  EXPECT_NEAR(degrees(), 45 + bus().angle(0, Picoseconds{}).degrees(), 0.1);
}

TEST_F(Ell14, IsBusyWhileItMoves) {
  homed();
  say("0ma00008C00");
  hear(0.02);
  EXPECT_EQ(ask("0gs"), "0GS09\r\n");
  EXPECT_EQ(ask("0ma00000000"), "0GS09\r\n");
  hear(2);
  EXPECT_EQ(bus().module(0).moves(), 2u) << "homing and one move";
}

TEST_F(Ell14, MovesTwoMountsTogether) {
  use(three_mounts());
  homed('2');
  homed('3');
  say("2ma00004600");
  say("3ma00008C00");
  const std::string said = hear(2);
  EXPECT_NE(said.find("2PO"), std::string::npos);
  EXPECT_NE(said.find("3PO"), std::string::npos);
  EXPECT_NEAR(degrees(0), 45, 0.1);
  EXPECT_NEAR(degrees(1), 90, 0.1);
}

TEST_F(Ell14, NeedsTheDirectionOfItsHoming) {
  EXPECT_EQ(ask("0ho", 1), "");
  EXPECT_EQ(hear(1.1), "0GS01\r\n") << "the unfinished command is dropped";
  EXPECT_EQ(bus().module(0).moves(), 0u);
}

TEST_F(Ell14, DropsAnUnfinishedCommandAfterTwoSeconds) {
  say("0ma0000");
  hear(2.1);
  EXPECT_EQ(ask("0gs"), "0GS00\r\n");
}

TEST_F(Ell14, TakesTheNextBytesForTheRestOfAnUnfinishedCommand) {
  homed();
  say("0ma0000230");
  EXPECT_EQ(ask("0gs", 3).find("0GS00"), std::string::npos);
  EXPECT_EQ(bus().module(0).moves(), 2u);
}

TEST_F(Ell14, DoesNotMindTerminators) { EXPECT_EQ(ask("0gs\r\n0gs\r"), "0GS00\r\n0GS00\r\n"); }

TEST_F(Ell14, AnswersFromItsNewAddress) {
  EXPECT_EQ(ask("0ca1"), "1GS00\r\n");
  EXPECT_EQ(ask("0gs"), "");
  EXPECT_EQ(ask("1gs"), "1GS00\r\n");
}

TEST_F(Ell14, FollowsAGroupAddressOnce) {
  use(three_mounts());
  homed('2');
  homed('3');
  ask("3ga2");
  ask("2ma00004600", 2);
  EXPECT_NEAR(degrees(0), 45, 0.1);
  EXPECT_NEAR(degrees(1), 45, 0.1);
  ask("2ma00008C00", 2);
  EXPECT_NEAR(degrees(1), 45, 0.1);
}

TEST_F(Ell14, KnowsNoOtherCommand) { EXPECT_EQ(ask("0zz"), "0GS03\r\n"); }

TEST_F(Ell14, RefusesPositionsBeyondATurn) { EXPECT_EQ(ask("0ma00100000"), "0GS0C\r\n"); }

TEST_F(Ell14, KeepsItsVelocityAndOffset) {
  EXPECT_EQ(ask("0sv2D"), "0GS00\r\n");
  EXPECT_EQ(ask("0gv"), "0GV2D\r\n");
  EXPECT_EQ(ask("0so00000100"), "0GS00\r\n");
  EXPECT_EQ(ask("0go"), "0HO00000100\r\n");
}

TEST_F(Ell14, ForgetsAtAPowerCycleWhatWasNotSaved) {
  homed();
  ask("0ma00004600", 2);
  const double stood = degrees();
  ask("0sv2D");
  bus().power_cycle();
  EXPECT_EQ(ask("0gv"), "0GV64\r\n");
  EXPECT_EQ(ask("0gp"), "0PO00000000\r\n") << "its position means nothing before homing";
  EXPECT_EQ(degrees(), stood) << "the optic stays where it was";
}

TEST_F(Ell14, StallsBelowAQuarterOfItsVelocity) {
  homed();
  ask("0sv14");
  EXPECT_NE(ask("0ma00004600", 9).find("0GS02"), std::string::npos);
  EXPECT_LT(degrees(), 44);
}

TEST_F(Ell14, TellsAnErrorOnceWhenItsStatusIsRead) {
  bus().module(0).set_status(0x0A);
  EXPECT_EQ(ask("0gs"), "0GS0A\r\n");
  EXPECT_EQ(ask("0gs"), "0GS00\r\n");
}

TEST_F(Ell14, SaysStopIsDoneAndMovesOn) {
  use(exact());
  homed();
  say("0ma00008C00");
  EXPECT_EQ(ask("0st", 0.02), "0GS00\r\n");
  hear(2);
  EXPECT_NEAR(degrees(), 90, 0.1);
}

TEST_F(Ell14, SpeaksOutOfTurnWhenAskedTo) {
  Ell14BusConfig config = exact();
  config.stray_zeros = config.presses_buttons = true;
  use(config);
  EXPECT_EQ(ask("0gs"), std::string("\0000BS09\r\n0BO00001234\r\n0GS00\r\n", 28));
}

TEST_F(Ell14, CountsItsTurnsAnewWhereItWraps) {
  Ell14BusConfig config = exact();
  config.modules[0].wraps = true;
  use(config);
  homed();
  ask("0ma00022000", 2);
  EXPECT_EQ(ask("0mr00001800", 2), "0PO00000800\r\n");
}

TEST_F(Ell14, MutantThatIgnoresMovesSaysSo) {
  Ell14BusConfig config = exact();
  config.modules[0].mutant = Ell14Mutant::ignores_moves;
  use(config);
  homed();
  const double stood = degrees();
  EXPECT_EQ(ask("0ma00004600", 2).find("0PO00004600"), std::string::npos);
  EXPECT_EQ(degrees(), stood);
}

TEST_F(Ell14, MutantThatEchoesClaimsToHaveArrived) {
  Ell14BusConfig config = exact();
  config.modules[0].mutant = Ell14Mutant::echoes_command;
  use(config);
  homed();
  const double stood = degrees();
  EXPECT_EQ(ask("0ma00004600", 2), "0PO00004600\r\n");
  EXPECT_EQ(degrees(), stood);
}

TEST_F(Ell14, SurvivesAnyBytes) {
  CounterStream noise({1, NodeId::world, Purpose::test, 0});
  std::string bytes;
  for (int i = 0; i < 20'000; ++i) bytes += static_cast<char>(noise());
  say(bytes);
  hear(10);
  EXPECT_EQ(ask("0gs"), "0GS00\r\n");
}

}  // namespace
}  // namespace nicol::sim
