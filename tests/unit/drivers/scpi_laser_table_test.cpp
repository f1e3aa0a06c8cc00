// SPDX-License-Identifier: Apache-2.0
// The tables, against the facts they were written from.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "drivers/pm100/commands.hpp"
#include "drivers/scpi-laser/laser_table.hpp"
#include "drivers/scpi-laser/pulser_table.hpp"
#include "drivers/transport/usbtmc_message.hpp"
#include "sim/emulators/qc9530.hpp"
#include "sim/emulators/scpi_laser.hpp"

namespace nicol::scpi_laser {
namespace {

TEST(LaserTable, IsFoundByUsbIdentity) {
  EXPECT_EQ(laser_table(0x1313, 0x804f)->family, "CLD101x");
  EXPECT_EQ(laser_table(0x1313, 0x804a)->family, "ITC4000");
  EXPECT_EQ(laser_table(0x1313, 0x8078), nullptr);
}

TEST(LaserTable, SaysTheCommandsOfTheClds) {
  const LaserTable& t = *laser_table(0x1313, 0x804f);
  EXPECT_EQ(t.laser_on, "OUTP1:STAT 1");
  EXPECT_EQ(t.laser_off, "OUTP1:STAT 0");
  EXPECT_EQ(t.cooler_on, "OUTP2:STAT 1");
  EXPECT_EQ(command(t.current.set, 0.05), "SOUR:CURR 0.05");
  EXPECT_EQ(command(t.current_limit.set, 0.2), "SOUR:CURR:LIM:AMPL 0.2");
  EXPECT_EQ(command(t.temperature.set, 25), "SOUR2:TEMP 25");
  EXPECT_EQ(t.measured_current, "MEAS:CURR?");
  EXPECT_EQ(t.measured_temperature, "MEAS:TEMP?");
  EXPECT_EQ(t.measured_power, "MEAS:POW2?");
  EXPECT_EQ(t.error_query, "SYST:ERR:NEXT?");
  EXPECT_EQ(t.protections.front().tripped, "OUTP:PROT:KEYL:TRIP?");
  EXPECT_TRUE(t.remote_enable);
}

TEST(LaserTable, HasZeroCurrentBeforeLightAndACooledDiodeBeforeBoth) {
  for (const LaserTable& t : laser_tables()) {
    const std::vector<Step> arming(t.arming.begin(), t.arming.end()), enabling(t.enabling.begin(), t.enabling.end());
    EXPECT_EQ(arming, (std::vector{Step::cooler_on, Step::settle, Step::limit})) << t.family;
    EXPECT_EQ(enabling, (std::vector{Step::zero_current, Step::laser_on, Step::soft_start, Step::ramp})) << t.family;
  }
}

TEST(LaserTable, SendsNumbersThatReadBackExactly) {
  EXPECT_EQ(command("X {}", 0.1), "X 0.1");
  EXPECT_EQ(std::stod(command("{}", 0.1 + 0.2)), 0.1 + 0.2);
}

/// Every query of a table is one that the emulated instrument knows.
TEST(LaserTable, AsksNothingThatTheInstrumentDoesNotKnow) {
  const LaserTable& t = *laser_table(0x1313, 0x804f);
  sim::ScpiLaserInstrument laser{sim::ScpiLaserConfig{}};
  std::vector<std::string_view> queries{t.laser_state,          t.cooler_state,      t.current.query,
                                        t.current_limit.query,  t.temperature.query, t.measured_current,
                                        t.measured_temperature, t.measured_power,    t.error_query};
  for (const Protection& p : t.protections) queries.push_back(p.tripped);
  for (const std::string_view query : queries) EXPECT_NE(laser.execute(query, {}), "") << query;
  for (const std::string& set : {command(t.current.set, 0.1), command(t.current_limit.set, 0.2),
                                 command(t.temperature.set, 20), std::string(t.cooler_on), std::string(t.laser_off)})
    laser.execute(set, {});
  EXPECT_EQ(laser.execute("SYST:ERR:NEXT?", {}), "+0,'No error'");
}

TEST(PulserTable, SaysTheCommandsOfThe9530) {
  const PulserTable& t = *pulser_table("9530");
  EXPECT_EQ(t.baud, 38'400);
  EXPECT_EQ(t.terminator, "\r\n");
  EXPECT_EQ(t.acknowledge, "ok");
  EXPECT_EQ(t.error_prefix, "?");
  EXPECT_EQ(t.on, ":PULSE0:STAT ON");
  EXPECT_EQ(t.off, ":PULSE0:STAT OFF");
  const auto properties = properties_of(t, 2);
  const auto infos = arg_infos(properties);
  const auto sent = [&](std::string_view key, const hal::Value& value) {
    for (std::size_t i = 0; i < infos.size(); ++i)
      if (infos[i].key == key) return properties[i].command(value);
    return std::string("no such property");
  };
  EXPECT_EQ(sent("period", 1e-6), ":PULSE0:PER 1e-06");
  EXPECT_EQ(sent("mode", std::string("NORM")), ":PULSE0:MOD NORM");
  EXPECT_EQ(sent("ch1.enabled", true), ":PULSE1:STAT ON");
  EXPECT_EQ(sent("ch2.width", 2.5e-5), ":PULSE2:WIDT 2.5e-05");
  EXPECT_EQ(sent("ch2.delay", 0.0), ":PULSE2:DEL 0");
  EXPECT_EQ(sent("ch1.polarity", std::string("INV")), ":PULSE1:POL INV");
  EXPECT_EQ(sent("ch1.amplitude", 4.0), ":PULSE1:OUTP:AMPL 4");
}

TEST(PulserTable, HasTheSettingsOfEachChannel) {
  EXPECT_EQ(properties_of(*pulser_table("9530"), 1).size(), 7u);
  EXPECT_EQ(properties_of(*pulser_table("9530"), 4).size(), 22u);
}

TEST(PulserTable, ReadsTheRepliesOfThe9530) {
  const auto all = properties_of(*pulser_table("9530"), 1);
  EXPECT_EQ(std::get<double>(*all[0].parse("0.000025000")), 2.5e-5);
  EXPECT_EQ(std::get<std::string>(*all[1].parse("SING")), "SING");
  EXPECT_FALSE(all[1].parse("SOMETHING").ok());
  EXPECT_TRUE(std::get<bool>(*all[2].parse("1")));
  EXPECT_FALSE(all[2].parse("maybe").ok());
}

/// The bytes of DEVICES.md 1.9, through the driver's side and the device's.
TEST(UsbTmcVectors, AreWhatTheDriverSendsAndTheInstrumentTakes) {
  const std::vector<std::uint8_t> question{1, 1, 0xfe, 0, 6, 0, 0, 0, 1, 0, 0, 0, '*', 'I', 'D', 'N', '?', '\n', 0, 0};
  const std::vector<std::uint8_t> request{2, 2, 0xfd, 0, 0, 4, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(transport::usbtmc::message_out(1, "*IDN?\n"), question);
  EXPECT_TRUE(std::ranges::equal(transport::usbtmc::request_in(2, 1024), request));

  sim::ScpiLaserEmulator laser;
  std::array<std::uint8_t, 1> status{};
  ASSERT_EQ(laser.usb.control(std::array<std::uint8_t, 8>{0xa1, 160, 1, 0, 0, 0, 1, 0}, status, {}), 1);
  EXPECT_EQ(laser.usb.out(0x02, question, {}), static_cast<int>(question.size()));
  EXPECT_EQ(laser.usb.out(0x02, request, {}), static_cast<int>(request.size()));
  std::array<std::uint8_t, 512> reply{};
  const int said = laser.usb.in(0x81, reply, {});
  ASSERT_GT(said, 12);
  const auto head = transport::usbtmc::parse_reply(std::span(reply).first(static_cast<std::size_t>(said)), 2, 1024);
  ASSERT_TRUE(head.ok());
  EXPECT_TRUE(head->end_of_message);
  EXPECT_EQ(std::string(reply.begin() + 12, reply.begin() + 12 + head->bytes), "Thorlabs,CLD1015,M00312450,1.7.0\n");
}

TEST(Pm100Commands, AreThoseOfTheMeter) {
  EXPECT_EQ(pm100::kPower, "MEAS:POW?");
  EXPECT_EQ(command(pm100::kWavelength.set, 810), "SENS:CORR:WAV 810");
  EXPECT_EQ(command(pm100::kBeamDiameter.set, 5), "SENS:CORR:BEAM 5");
  EXPECT_EQ(pm100::kStartZero, "SENS:CORR:COLL:ZERO");
}

}  // namespace
}  // namespace nicol::scpi_laser
