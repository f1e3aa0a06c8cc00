// SPDX-License-Identifier: Apache-2.0
// The Example Shutter's two ends apart: the driver's wire code, and the emulator.
#include <gtest/gtest.h>

#include "drivers/example/wire.hpp"
#include "sim/emulators/example_shutter.hpp"

namespace nicol {
namespace {

using example::parse_identity;
using example::parse_status;
using hal::ShutterState;

TEST(ExampleWire, ReadsEveryState) {
  EXPECT_EQ(parse_status("OPEN")->state, ShutterState::open);
  EXPECT_EQ(parse_status("CLOSED")->state, ShutterState::closed);
  EXPECT_EQ(parse_status("MOVING")->state, ShutterState::moving);
}

TEST(ExampleWire, ReadsAFaultWithItsNumberAndNoState) {
  const auto status = parse_status("FAULT 12");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->fault, 12);
  EXPECT_EQ(status->state, ShutterState::unknown);
}

TEST(ExampleWire, TakesNothingElseForAState) {
  for (const char* bad : {"", "OPE", "OPENED", "open", " OPEN", "FAULT", "FAULT ", "FAULT x", "FAULT 0", "FAULT 1 2"})
    EXPECT_FALSE(parse_status(bad)) << bad;
}

TEST(ExampleWire, ReadsTheIdentity) {
  const auto identity = parse_identity("EXAMPLE SHUTTER,EX-0042,1.0");
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->serial, "EX-0042");
  EXPECT_EQ(identity->firmware, "1.0");
}

TEST(ExampleWire, TakesNothingElseForAnIdentity) {
  for (const char* bad :
       {"", "EXAMPLE SHUTTER", "EXAMPLE SHUTTER,", "EXAMPLE SHUTTER,1", "EXAMPLE SHUTTER,,1.0", "X,1,2"})
    EXPECT_FALSE(parse_identity(bad)) << bad;
}

class ExampleEmulator : public testing::Test {
 protected:
  std::string say(std::string_view text) {
    device_.receive({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, now_);
    std::vector<std::uint8_t> out;
    device_.collect(out, now_);
    return {out.begin(), out.end()};
  }
  sim::ExampleShutter device_;
  Picoseconds now_;
};

TEST_F(ExampleEmulator, IsClosedWhenItHasJustGotPower) {
  EXPECT_EQ(say("S?\r"), "CLOSED\r");
  EXPECT_FALSE(device_.light_passes(now_));
}

TEST_F(ExampleEmulator, TakesItsTimeToOpenAndToClose) {
  EXPECT_EQ(say("O\rS?\r"), "MOVING\r");
  now_ = Picoseconds::seconds(0.2);
  EXPECT_EQ(say("S?\r"), "OPEN\r");
  EXPECT_EQ(say("C\rS?\r"), "MOVING\r");
  EXPECT_TRUE(device_.light_passes(now_));
  now_ = Picoseconds::seconds(0.4);
  EXPECT_EQ(say("S?\r"), "CLOSED\r");
}

TEST_F(ExampleEmulator, TakesACommandInPieces) {
  EXPECT_EQ(say("*ID"), "");
  EXPECT_EQ(say("N?\r"), "EXAMPLE SHUTTER,EX-0042,1.0\r");
}

TEST_F(ExampleEmulator, MovesOnceHoweverOftenItIsTold) {
  say("O\rO\rO\r");
  EXPECT_EQ(device_.moves(), 1u);
}

TEST_F(ExampleEmulator, SaysItsFault) {
  device_.jam();
  EXPECT_EQ(say("O\rS?\r"), "FAULT 3\r");
  EXPECT_EQ(device_.moves(), 0u);
}

}  // namespace
}  // namespace nicol
