// SPDX-License-Identifier: Apache-2.0
// The emulated instruments on their own: SCPI words, the USBTMC class, mechanics.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "sim/emulators/pm100.hpp"
#include "sim/emulators/qc9530.hpp"
#include "sim/emulators/scpi_laser.hpp"

namespace nicol::sim {
namespace {

Picoseconds at(double seconds) { return Picoseconds::seconds(seconds); }

TEST(ScpiWords, MatchInEitherFormAndCase) {
  for (const char* header : {"SOUR:CURR", "SOURCE1:CURRENT", "sour1:curr:lev", "Source:Curr:Level"})
    EXPECT_TRUE(scpi_matches("SOURce1:CURRent[:LEVel]", header)) << header;
  for (const char* header : {"SOUR2:CURR", "SOU:CURR", "SOURC:CURR", "SOUR:CURR:LIM", "SOUR", ""})
    EXPECT_FALSE(scpi_matches("SOURce1:CURRent[:LEVel]", header)) << header;
}

TEST(ScpiWords, ArePartedIntoCommands) {
  const auto all = scpi_commands(":SOUR:CURR 0.1; SYST:ERR? ;;*IDN?\n");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].header, "SOUR:CURR");
  EXPECT_EQ(all[0].parameter, "0.1");
  EXPECT_TRUE(all[1].is_query);
  EXPECT_EQ(all[2].header, "*IDN");
}

TEST(ScpiErrors, OverflowInTheirLastEntry) {
  ScpiErrorQueue queue;
  for (int i = 0; i < 100; ++i) queue.put(-113, "Undefined header");
  std::string last, now;
  for (int i = 0; i < 100 && (now = queue.take()) != "+0,'No error'"; ++i) last = now;
  EXPECT_EQ(last, "-350,'Queue overflow'");
}

struct Echo final : ScpiInstrument {
  std::vector<std::string> heard;
  std::string execute(std::string_view line, Picoseconds) override {
    heard.emplace_back(line);
    return line.find('?') == std::string_view::npos ? "" : std::string(line.substr(0, line.find('?')));
  }
  void cable_pulled() override {}
};

struct TmcTest : testing::Test {
  Echo echo;
  UsbTmcConfig config{0x1313, 0x804f, "X", "Y", "Z", false, 8};
  UsbTmcDevice device{echo, config};
  std::uint8_t tag = 0;

  std::array<std::uint8_t, 12> header(std::uint8_t id, std::size_t size, std::uint8_t attributes) {
    ++tag;
    const auto low = static_cast<std::uint8_t>(size), high = static_cast<std::uint8_t>(size >> 8);
    return {id, tag, static_cast<std::uint8_t>(~tag), 0, low, high, 0, 0, attributes, 0, 0, 0};
  }
  std::vector<std::uint8_t> message(std::string_view text, std::uint8_t attributes = 1) {
    const auto head = header(1, text.size(), attributes);
    std::vector<std::uint8_t> bytes((head.size() + text.size() + 3) / 4 * 4);
    std::ranges::copy(head, bytes.begin());
    std::ranges::copy(text, bytes.begin() + static_cast<std::ptrdiff_t>(head.size()));
    return bytes;
  }
  int send(std::string_view text, std::uint8_t attributes = 1) {
    return device.out(UsbTmcDevice::kBulkOut, message(text, attributes), {});
  }
  void request(std::size_t size = 1024) { device.out(UsbTmcDevice::kBulkOut, header(2, size, 0), {}); }
  std::vector<std::uint8_t> reply() {
    std::vector<std::uint8_t> bytes(1024);
    const int said = device.in(UsbTmcDevice::kBulkIn, bytes, {});
    bytes.resize(static_cast<std::size_t>(std::max(said, 0)));
    return bytes;
  }
  std::vector<std::uint8_t> ask_control(std::uint8_t what, std::uint8_t value = 0, std::size_t size = 2) {
    std::vector<std::uint8_t> answer(size);
    device.control(std::array<std::uint8_t, 8>{0xa1, what, value, 0, 0, 0, 2, 0}, answer, {});
    return answer;
  }
};

TEST_F(TmcTest, StallsOnABadHeader) {
  EXPECT_EQ(device.out(2, std::vector<std::uint8_t>{1, 0, 0xff, 0, 1, 0, 0, 0, 1, 0, 0, 0, 'x', 0, 0, 0}, {}),
            kUsbStall);
  EXPECT_EQ(device.out(2, std::vector<std::uint8_t>{1, 1, 0xff, 0, 1, 0, 0, 0, 1, 0, 0, 0, 'x', 0, 0, 0}, {}),
            kUsbStall);
  EXPECT_EQ(device.out(2, std::vector<std::uint8_t>{1, 1}, {}), kUsbStall);
}

TEST_F(TmcTest, StallsOnWrongPadding) {
  auto bytes = message("x");
  bytes.pop_back();
  EXPECT_EQ(device.out(2, bytes, {}), kUsbStall);
}

TEST_F(TmcTest, WaitsForTheEndOfAMessage) {
  send("AB", 0);
  EXPECT_TRUE(echo.heard.empty());
  send("CD");
  EXPECT_EQ(echo.heard, std::vector<std::string>{"ABCD"});
}

TEST_F(TmcTest, SaysALongReplyInPartsAndMarksTheLast) {
  send("ABCDEFGHIJ?");
  request();
  const auto first = reply();
  ASSERT_EQ(first.size(), 20u);
  EXPECT_EQ(first[1], tag);
  EXPECT_EQ(first[8], 0);
  request();
  const auto last = reply();
  ASSERT_EQ(last.size(), 16u);
  EXPECT_EQ(last[4], 3);  // "IJ" and its line end
  EXPECT_EQ(last[8], 1);
}

TEST_F(TmcTest, SaysNothingUnasked) {
  send("A?");
  EXPECT_TRUE(reply().empty());
  request();
  EXPECT_FALSE(reply().empty());
}

TEST_F(TmcTest, EndsAnAbortedReplyWithAnEmptyPacket) {
  request();
  EXPECT_EQ(ask_control(3, tag)[0], 0x01);
  std::vector<std::uint8_t> bytes(512);
  EXPECT_EQ(device.in(UsbTmcDevice::kBulkIn, bytes, {}), kUsbEmptyPacket);
  EXPECT_EQ(ask_control(4)[0], 0x01);
  EXPECT_EQ(ask_control(3, tag)[0], 0x80);
}

TEST_F(TmcTest, ForgetsItsReplyWhenCleared) {
  send("A?");
  EXPECT_EQ(ask_control(5, 0, 1)[0], 0x01);
  request();
  EXPECT_TRUE(reply().empty());
}

TEST_F(TmcTest, EndsAReplyOfWholePacketsWithAnEmptyOne) {
  UsbTmcDevice long_winded{echo, UsbTmcConfig{0x1313, 0x804f, "X", "Y", "Z", false, 1 << 20}};
  const std::string question = std::string(499, 'q') + "?";
  long_winded.out(2, message(question), {});
  long_winded.out(2, header(2, 4096, 0), {});
  std::vector<std::uint8_t> into(1024);
  EXPECT_EQ(long_winded.in(0x81, into, {}), 512);
  EXPECT_EQ(long_winded.in(0x81, into, {}), kUsbEmptyPacket);
  EXPECT_EQ(long_winded.in(0x81, into, {}), 0);
}

TEST(ScpiLaserUsb, HearsNothingBeforeRemoteControl) {
  ScpiLaserEmulator laser;
  const std::vector<std::uint8_t> cooler_on{1,   1,   0xfe, 0,   12,  0,   0,   0,   1,   0,   0,   0,
                                            'O', 'U', 'T',  'P', '2', ':', 'S', 'T', 'A', 'T', ' ', '1'};
  laser.usb.out(2, cooler_on, {});
  EXPECT_FALSE(laser.laser.cooler_on());
  std::array<std::uint8_t, 1> status{};
  laser.usb.control(std::array<std::uint8_t, 8>{0xa1, 160, 1, 0, 0, 0, 1, 0}, status, {});
  laser.usb.out(2, cooler_on, {});
  EXPECT_TRUE(laser.laser.cooler_on());
}

struct LaserTest : testing::Test {
  ScpiLaserInstrument laser{ScpiLaserConfig{}};
  void lit() {
    laser.execute("OUTP2:STAT 1;SOUR:CURR 0.14;OUTP1:STAT 1", {});
    ASSERT_EQ(laser.execute("SYST:ERR:NEXT?", {}), "+0,'No error'");
  }
};

TEST_F(LaserTest, StartsSoftly) {
  lit();
  EXPECT_EQ(laser.optical_power(at(2.9)).value, 0);
  EXPECT_NEAR(laser.optical_power(at(3)).value, 0.08, 1e-12);
}

TEST_F(LaserTest, SettlesExponentially) {
  laser.execute("SOUR2:TEMP 33;OUTP2:STAT 1", {});
  EXPECT_NEAR(laser.temperature_at(at(5)), 33 - 10 * std::exp(-1), 1e-9);
  EXPECT_NEAR(laser.temperature_at(at(60)), 33, 1e-3);
}

TEST_F(LaserTest, RefusesLightWithoutCoolerKeyOrInterlock) {
  const auto refused = [&] {
    laser.execute("OUTP1:STAT 1", {});
    return laser.execute("SYST:ERR:NEXT?", {}) == "-221,'Settings conflict'" && !laser.output_on();
  };
  EXPECT_TRUE(refused());
  laser.execute("OUTP2:STAT 1", {});
  laser.lock_key({});
  EXPECT_TRUE(refused());
  EXPECT_EQ(laser.execute("OUTP:PROT:KEYL:TRIP?", {}), "1");
  laser.unlock_key();
  laser.open_interlock({});
  EXPECT_TRUE(refused());
  laser.close_interlock();
  EXPECT_FALSE(refused());
}

TEST_F(LaserTest, GoesOffWithItsKeyAndStaysOffWhenItIsTurnedBack) {
  lit();
  laser.lock_key(at(10));
  laser.unlock_key();
  EXPECT_FALSE(laser.output_on());
  EXPECT_EQ(laser.optical_power(at(20)).value, 0);
}

TEST_F(LaserTest, TakesNoCurrentAboveItsLimit) {
  laser.execute("SOUR:CURR 0.21", {});
  EXPECT_EQ(laser.execute("SYST:ERR?", {}), "-222,'Data out of range'");
  EXPECT_EQ(laser.set_current(), 0);
}

TEST_F(LaserTest, StaysOnWhenItsCableIsPulled) {
  lit();
  laser.cable_pulled();
  EXPECT_GT(laser.optical_power(at(5)).value, 0);
}

TEST(Pm100Sensor, ReadsItsOffsetUntilItIsZeroed) {
  Pm100Instrument meter{Pm100Config{}};
  EXPECT_EQ(meter.execute("MEAS:POW?", {}), "3.00000000E-09");
  meter.execute("SENS:CORR:COLL:ZERO", {});
  EXPECT_EQ(meter.execute("SENS:CORR:COLL:ZERO:STAT?", at(1)), "1");
  EXPECT_EQ(meter.execute("SENS:CORR:COLL:ZERO:STAT?", at(2)), "0");
  EXPECT_EQ(meter.execute("MEAS:POW?", at(2)), "0.00000000E+00");
  meter.shine({1e-6});
  EXPECT_EQ(meter.execute("MEAS:POW?", at(3)), "1.00000000E-06");
}

TEST(Pm100Sensor, KnowsItsWavelengths) {
  Pm100Instrument meter{Pm100Config{}};
  EXPECT_EQ(meter.execute("SENS:CORR:WAV? MIN;SENS:CORR:WAV? MAX", {}), "4.00000000E+02;1.10000000E+03");
  meter.execute("SENS:CORR:WAV 1200", {});
  EXPECT_EQ(meter.execute("SYST:ERR?;SYST:ERR?", {}), "-222,'Data out of range';+0,'No error'");
}

std::string say(Qc9530& generator, std::string text) {
  text += "\r\n";
  generator.receive({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, {});
  std::vector<std::uint8_t> out;
  generator.collect(out, at(1));
  return {out.begin(), out.end()};
}

TEST(Qc9530Line, AnswersEachSettingWithOk) {
  Qc9530 generator;
  EXPECT_EQ(say(generator, ":PULSE0:STAT ON"), "ok\r\n");
  EXPECT_TRUE(generator.running());
  EXPECT_EQ(say(generator, ":PULSE0:PER 1e-6"), "ok\r\n");
  EXPECT_EQ(say(generator, ":PULSE0:MOD NORM"), "ok\r\n");
  EXPECT_EQ(say(generator, ":PULSE1:WIDTH 0.000025"), "ok\r\n");
  EXPECT_EQ(say(generator, ":PULSE1:WIDT?"), "0.00002500000\r\n");
  EXPECT_EQ(say(generator, ":PULSE0:STATE?"), "1\r\n");
}

TEST(Qc9530Line, AnswersMistakesWithANumber) {
  Qc9530 generator;
  for (const char* bad :
       {"X", ":PULSE9:STAT ON", ":PULSE1:NOTHING 1", ":PULSE1:WIDT -1", ":PULSE0:STAT MAYBE", ":PULSE"})
    EXPECT_TRUE(say(generator, bad).starts_with("?")) << bad;
}

}  // namespace
}  // namespace nicol::sim
