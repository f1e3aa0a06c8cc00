// SPDX-License-Identifier: Apache-2.0
// Scenario files: what is built in makes sense, what is wrong is named by file, line, key and expectation.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sim/scenario/fields.hpp"
#include "sim/scenario/scenario.hpp"

namespace nicol::sim {
namespace {

std::string text_of(const char* name) { return scenario_text(name).value(); }

/// The text with the line that begins so replaced by another.
std::string with(std::string text, const std::string& begins, const std::string& line) {
  const std::size_t at = text.find("\n" + begins) + 1;
  EXPECT_NE(at, 0u) << begins;
  return text.replace(at, text.find('\n', at) - at, line);
}

int line_of(const std::string& text, const std::string& begins) {
  std::istringstream in(text);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number)
    if (line.starts_with(begins)) return number;
  return 0;
}

void expect_refused(const std::string& text, const std::string& line_begins, const std::string& says) {
  const auto scenario = parse_scenario(text, "some.toml");
  ASSERT_FALSE(scenario.ok()) << says;
  EXPECT_EQ(scenario.error().code, Code::bad_input);
  const std::string where = "some.toml:" + std::to_string(line_of(text, line_begins)) + ": ";
  EXPECT_TRUE(scenario.error().message.starts_with(where)) << scenario.error().message << "\nexpected " << where;
  EXPECT_NE(scenario.error().message.find(says), std::string::npos) << scenario.error().message;
}

TEST(BuiltInScenarios, AllLoad) {
  EXPECT_EQ(scenario_names(),
            (std::vector<std::string>{"teaching", "motorised", "lossy", "emulated", "drifting", "free-running",
                                      "entangled", "entangled-pulsed", "emulated-entangled"}));
  for (const std::string& name : scenario_names()) {
    const auto scenario = load_scenario(name);
    ASSERT_TRUE(scenario.ok()) << describe(scenario.error());
    EXPECT_EQ(scenario->name, name);
  }
}

TEST(BuiltInScenarios, TeachingIsWhatItPromises) {
  const Scenario s = load_scenario("teaching").value();
  const LinkExpectation link = expect(s);
  const double slots = static_cast<double>(s.protocol.block_slots);
  EXPECT_LE(slots, 1e8);
  EXPECT_NEAR((link.sifted_per_slot[0] + link.sifted_per_slot[1]) * link.kept_per_slot * slots, 1e5, 1e4);
  for (double qber : link.qber) EXPECT_NEAR(qber, 0.015, 0.002);
  EXPECT_EQ(s.receiver.efficiency_mismatch, 0);
}

/// N_mp^U of SECURITY-FORMULAS 1.7 against the detected bits of the key part.
double tagged_share(const Scenario& s) {
  const LinkExpectation link = expect(s);
  const double kept = link.kept_per_slot * static_cast<double>(s.protocol.block_slots);
  const double r = 1 - s.protocol.sample_share, l = 2 * std::log(1 / 2.5e-11);
  const double mean = kept * (1 - s.source.p_diagonal) * s.source.p_multi * r;
  return (mean + l / 2 + std::sqrt(l * l / 4 + 2 * mean * l)) / (kept * link.sifted_per_slot[0] * r);
}

TEST(BuiltInScenarios, LeaveMostDetectionsUntagged) {
  EXPECT_LT(tagged_share(load_scenario("teaching").value()), 0.15);
  EXPECT_LT(tagged_share(load_scenario("lossy").value()), 0.15);
}

TEST(BuiltInScenarios, LossyIsTwentyDecibelsOfNearlySinglePhotons) {
  const Scenario s = load_scenario("lossy").value();
  EXPECT_EQ(s.channel.loss_db, 20);
  EXPECT_LE(s.source.mean_photon_number[0] * s.source.g2[0], 0.002);
}

TEST(BuiltInScenarios, MotorisedIsHonestAboutKeys) {
  const Scenario s = load_scenario("motorised").value();
  EXPECT_FALSE(s.protocol.key_expected);
  EXPECT_EQ(s.receiver.kind, hal::ReceiverKind::active);
  EXPECT_EQ(s.receiver.detectors.size(), 2u);
}

TEST(Template, HoldsEveryKeyWithAComment) {
  Scenario scenario;
  scenario.receiver.detectors.resize(4);
  scenario.alice.receiver.detectors.resize(4);
  const std::string text = text_of("template");
  std::istringstream in(text);
  std::string line, table;
  std::map<std::string, std::string> lines;
  while (std::getline(in, line)) {
    if (line.starts_with("[")) table = line.substr(1, line.find(']') - 1) + ".";
    if (const auto equals = line.find(" ="); equals != std::string::npos) lines[table + line.substr(0, equals)] = line;
  }
  for (const Field& field : scenario_fields(scenario)) {
    ASSERT_TRUE(lines.contains(field.full_name())) << field.full_name();
    const bool repeated = (field.table.ends_with(".motor") && field.table != "source.motor") ||
                          field.table.starts_with("alice.");  // explained there
    EXPECT_TRUE(repeated || field.key == "description" || lines[field.full_name()].find('#') != std::string::npos)
        << field.full_name();
  }
}

TEST(Template, StatesTheDefaults) {
  const Scenario s = parse_scenario(text_of("template"), "template.toml").value();
  const Scenario d;
  EXPECT_EQ(s.channel.background_hz, d.channel.background_hz);
  EXPECT_EQ(s.receiver.extinction_reflected_db, d.receiver.extinction_reflected_db);
  EXPECT_EQ(s.receiver.detectors[3].rate_limit_hz, d.receiver.detectors.empty() ? DetectorModel{}.rate_limit_hz : 0);
  EXPECT_EQ(s.tagger.fifo_depth, d.tagger.fifo_depth);
  EXPECT_EQ(s.protocol.sample_minimum, d.protocol.sample_minimum);
}

TEST(EmulatedScenario, LeavesTheLightOfTeachingBehindItsCompensator) {
  const LinkExpectation teaching = expect(load_scenario("teaching").value());
  const LinkExpectation emulated = expect(load_scenario("emulated").value());
  for (std::size_t basis = 0; basis < 2; ++basis) {
    EXPECT_NEAR(emulated.qber[basis], teaching.qber[basis], 1e-4);
    EXPECT_NEAR(emulated.sifted_per_slot[basis], teaching.sifted_per_slot[basis], 1e-6);
  }
}

TEST(EmulatedScenario, IsUselessUntilItsPlatesAreTurned) {
  Scenario s = load_scenario("emulated").value();
  s.compensator.setting_deg = {0, 0, 0};
  const LinkExpectation link = expect(s);
  EXPECT_GT(link.qber[0] + link.qber[1], 0.4);
}

TEST(ScenarioFile, TakesOneNumberForAllDetectorsOrOneEach) {
  const std::string text = with(text_of("teaching"), "efficiency = ", "efficiency = [0.6, 0.5, 0.4, 0.3]");
  const Scenario s = parse_scenario(text, "some.toml").value();
  EXPECT_EQ(s.receiver.detectors[3].efficiency, 0.3);
  EXPECT_EQ(s.receiver.detectors[3].dark_hz, 300);
}

TEST(ScenarioFile, IsReadFromAPath) {
  const auto path = std::filesystem::temp_directory_path() / ("nicol-scenario-" + std::to_string(::getpid()) + ".toml");
  std::ofstream(path) << with(text_of("teaching"), "name", "name = \"mine\"");
  const auto scenario = load_scenario(path.string());
  std::filesystem::remove(path);
  ASSERT_TRUE(scenario.ok()) << describe(scenario.error());
  EXPECT_EQ(scenario->name, "mine");
  EXPECT_EQ(scenario->file, path.string());
}

TEST(ScenarioFile, ThatIsNotThereIsNamed) {
  const auto scenario = load_scenario("no/such/file.toml");
  ASSERT_FALSE(scenario.ok());
  EXPECT_NE(scenario.error().message.find("no/such/file.toml"), std::string::npos);
  EXPECT_NE(scenario.error().message.find("teaching"), std::string::npos);
}

TEST(ScenarioFile, RefusesUnknownKeys) {
  expect_refused(with(text_of("teaching"), "loss_db", "loss_dB = 3"), "loss_dB", "channel.loss_dB: unknown key");
  expect_refused(text_of("teaching") + "\n[detektor]\nx = 1\n", "[detektor]", "detektor: unknown key");
}

TEST(ScenarioFile, RefusesNegativeLoss) {
  expect_refused(with(text_of("teaching"), "loss_db", "loss_db = -3"), "loss_db",
                 "channel.loss_db: expected a number from 0 to 100, got -3");
}

TEST(ScenarioFile, RefusesProbabilitiesOutsideZeroToOne) {
  expect_refused(with(text_of("teaching"), "pair_probability", "pair_probability = 1.2"), "pair_probability",
                 "expected a number from 0 to 1, got 1.2");
  expect_refused(with(text_of("teaching"), "efficiency", "efficiency = [0.6, 0.6, 0.6, -0.1]"), "efficiency",
                 "got -0.1");
  expect_refused(with(text_of("teaching"), "p_multi", "p_multi = nan"), "p_multi", "expected a number");
}

TEST(ScenarioFile, RefusesNewerFormats) {
  expect_refused(with(text_of("teaching"), "format", "format = 2"), "format", "newer");
  expect_refused(with(text_of("teaching"), "format", "format = \"1\""), "format", "expected 1");
  const auto none = parse_scenario(with(text_of("teaching"), "format", ""), "some.toml");
  EXPECT_NE(none.error().message.find("format: missing"), std::string::npos);
}

TEST(ScenarioFile, RefusesValuesOfAnotherType) {
  expect_refused(with(text_of("teaching"), "loss_db", "loss_db = \"3\""), "loss_db", "got \"3\"");
  expect_refused(with(text_of("teaching"), "block_slots", "block_slots = 1.5"), "block_slots", "whole number");
  expect_refused(with(text_of("teaching"), "type = \"passive\"", "type = \"passiv\""), "type = \"passiv\"",
                 "receiver.type: expected one of passive, active, got \"passiv\"");
  expect_refused(with(text_of("teaching"), "g2", "g2 = [0.01, 0.02, 0.01]"), "g2", "4 numbers");
  expect_refused(with(text_of("teaching"), "rotation_deg", "rotation_deg = 10"), "rotation_deg", "3 numbers");
}

TEST(ScenarioFile, RefusesBrokenToml) {
  expect_refused(with(text_of("teaching"), "loss_db", "loss_db = = 3"), "loss_db", "");
}

TEST(ScenarioFile, RefusesAnUpperLimitThatIsNone) {
  expect_refused(with(text_of("teaching"), "p_multi", "p_multi = 0.001"), "p_multi",
                 "source.p_multi: expected an upper limit");
}

TEST(ScenarioFile, RefusesImpossiblePhotonStatistics) {
  expect_refused(with(text_of("teaching"), "mean_photon_number", "mean_photon_number = 1.9"), "g2", "source.g2");
}

TEST(ScenarioFile, RefusesGatesThatDoNotFitTheSlot) {
  expect_refused(with(text_of("teaching"), "gate_ns", "gate_ns = 60"), "gate_ns", "slot period");
  expect_refused(with(text_of("teaching"), "slot_offset_ns", "slot_offset_ns = 49.5"), "slot_offset_ns",
                 "inside the slot");
}

TEST(ScenarioFile, RefusesAMissingRequiredKey) {
  const auto scenario = parse_scenario(with(text_of("teaching"), "block_slots", ""), "some.toml");
  ASSERT_FALSE(scenario.ok());
  EXPECT_NE(scenario.error().message.find("protocol.block_slots: missing"), std::string::npos);
}

TEST(Expectation, OfANoiselessLinkIsItsTransmittance) {
  Scenario s = load_scenario("lossy").value();
  s.channel.rotation_deg = {};
  s.source.g2 = {};
  s.source.width_ps = {};
  for (DetectorModel& d : s.receiver.detectors) d.dark_hz = d.jitter_ps = 0;
  s.receiver.extinction_transmitted_db = s.receiver.extinction_reflected_db = 100;
  const LinkExpectation link = expect(s);
  EXPECT_NEAR(link.clicks_per_slot, 0.2 * 0.01 * 0.8, 1e-9);
  EXPECT_NEAR(link.qber[0] + link.qber[1], 0, 1e-9);
}

TEST(Expectation, OfATurnedFibreIsTheSquaredSine) {
  Scenario s = load_scenario("lossy").value();
  for (DetectorModel& d : s.receiver.detectors) d.dark_hz = 0;
  s.receiver.extinction_transmitted_db = s.receiver.extinction_reflected_db = 100;
  s.channel.rotation_deg = {0, 0, 30};  // 15 degrees in the laboratory
  const LinkExpectation link = expect(s);
  EXPECT_NEAR(link.qber[0], std::pow(std::sin(15 * std::numbers::pi / 180), 2), 1e-4);
  EXPECT_NEAR(link.qber[1], link.qber[0], 1e-9);
}

}  // namespace
}  // namespace nicol::sim
