// SPDX-License-Identifier: Apache-2.0
// The SPDC driver's text by hand, and the emulated board alone.
#include <gtest/gtest.h>

#include "drivers/s15-spdc/wire.hpp"
#include "sim/emulators/s15_spdc.hpp"

namespace nicol::s15_spdc {
namespace {

TEST(SpdcWire, WritesThreeDecimals) {
  EXPECT_EQ(set_text(kCurrent, 12.5), "LCURRENT 12.500");
  EXPECT_EQ(set_text(kCrystal.set_point, 41.0), "HSETTEMP 41.000");
  EXPECT_EQ(set_text(kPower, 3U), "POWER 3");
  EXPECT_EQ(query_text(kLaserTec.temperature), "PTEMP?");
}

TEST(SpdcWire, ReadsNumbers) {
  EXPECT_EQ(*parse_number("41.025"), 41.025);
  EXPECT_EQ(*parse_number(" -0.500 \r"), -0.5);
  EXPECT_EQ(*parse_count("3", 3), 3U);
}

TEST(SpdcWire, RefusesWhatIsNoNumber) {
  for (const char* bad : {"", "on", "12 mA", "nan", "inf", "1e3", "0x10", "Value out of range"})
    EXPECT_EQ(parse_number(bad).error().code, Code::protocol) << bad;
  for (const char* bad : {"4", "-1", "1.5", "x"}) EXPECT_FALSE(parse_count(bad, 3).ok()) << bad;
}

TEST(SpdcWire, QuotesTheBoardsOwnWords) {
  EXPECT_NE(parse_number("Value out of range").error().message.find("Value out of range"), std::string::npos);
}

TEST(SpdcWire, KnowsItsBoard) {
  EXPECT_TRUE(is_spdc_driver("SPDCSDR-07 firmware 1.2"));
  EXPECT_FALSE(is_spdc_driver("TDC1-0042"));
}

struct Board {
  sim::SpdcEmulator emulator{sim::SpdcOptions{}};
  Picoseconds now;
  std::string say(const std::string& text) {
    emulator.receive(std::vector<std::uint8_t>(text.begin(), text.end()), now);
    std::vector<std::uint8_t> out;
    emulator.collect(out, now);
    return {out.begin(), out.end()};
  }
  void pass(double seconds) { now += Picoseconds::seconds(seconds); }
};

TEST(SpdcEmulator, TakesCommandsWithSemicolonsAndLines) {
  Board board;
  EXPECT_TRUE(board.say("*IDN?;").starts_with("SPDCSDR"));
  EXPECT_TRUE(board.say("*idn?\r\n").starts_with("SPDCSDR"));
  EXPECT_EQ(board.say("LCURRENT 10.5;LCURRENT?;"), "10.500\r\n");
}

TEST(SpdcEmulator, KeepsItsRanges) {
  Board board;
  for (const char* bad :
       {"LLIMIT 98", "LCURRENT 61", "HSETTEMP 101", "PSETTEMP 19", "PLIMIT 2.6", "HRATE 1.1", "POWER 4"})
    EXPECT_TRUE(board.say(std::string(bad) + ";").starts_with("Value out of range")) << bad;
  EXPECT_EQ(board.say("LLIMIT?;LCURRENT?;HSETTEMP?;PSETTEMP?;"), "60.000\r\n0.000\r\n25.000\r\n25.000\r\n");
}

TEST(SpdcEmulator, ShinesOnlyWithPowerCurrentAndOn) {
  Board board;
  board.say("ON;LCURRENT 5;");
  EXPECT_FALSE(board.emulator.shines());
  board.say("POWER 2;");
  EXPECT_TRUE(board.emulator.shines());
  board.say("OFF;");
  EXPECT_FALSE(board.emulator.shines());
}

TEST(SpdcEmulator, WarmsAtItsRate) {
  Board board;
  board.say("HSETTEMP 44;HRATE 0.1;HLOOP 1;POWER 1;");
  board.pass(100);
  EXPECT_EQ(board.say("HTARGET?;"), "34.000\r\n");
  for (int i = 0; i < 100; ++i) {
    board.pass(10);
    board.say("");
  }
  EXPECT_NEAR(board.emulator.crystal_temperature(), 44, 0.01);
}

TEST(SpdcEmulator, CoolsWithoutPower) {
  Board board;
  board.say("HSETTEMP 60;HLOOP 1;POWER 1;");
  board.pass(600);
  board.say("POWER 0;");
  board.pass(3000);
  board.say("");
  EXPECT_NEAR(board.emulator.crystal_temperature(), 24, 0.1);
}

TEST(SpdcEmulator, AnswersUnknownWordsInWords) {
  EXPECT_TRUE(Board().say("MAKE COFFEE;").starts_with("Unknown command"));
}

}  // namespace
}  // namespace nicol::s15_spdc
