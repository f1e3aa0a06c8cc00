// SPDX-License-Identifier: Apache-2.0
// nicol calibrate as an operator uses it: a link that makes no key, one command, key.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/integration/program.hpp"

namespace nicol::test {
namespace {

using nlohmann::json;

class Calibrate : public testing::Test {
 protected:
  /// The emulated link behind a fibre that nobody has compensated.
  Calibrate() {
    std::string text = read_file(std::filesystem::path(NICOL_SOURCE_DIR) / "sim/scenario/emulated.toml");
    const auto at = text.find("rotation_deg = [");
    text.replace(at, text.find(']', at) + 1 - at, "rotation_deg = [40, -110, 75]");
    write_file(scenario_, text);
  }
  static std::filesystem::path emulated() { return nicol_program().parent_path() / "nicol-emu"; }
  std::vector<std::string> with(std::vector<std::string> command, const std::string& seed) const {
    command.insert(command.end(), {"--scenario", scenario_.string(), "--state", (folder_ / "state").string(), "--seed",
                                   seed, "--json"});
    return command;
  }
  Outcome calibrate(std::vector<std::string> routines = {}) const {
    routines.insert(routines.begin(), "calibrate");
    return nicol(with(std::move(routines), "5"));
  }
  Outcome run() const { return nicol(with({"run", "--blocks", "1"}, "6")); }
  /// The same, for people.
  Outcome said_of_a_run() const {
    auto command = with({"run", "--blocks", "1"}, "6");
    command.pop_back();  // --json
    return nicol(command);
  }
  std::filesystem::path record(const std::string& name) const {
    return folder_ / "state" / "bob" / "calibrations" / name;
  }

  Folder folder_;
  std::filesystem::path scenario_ = folder_ / "lab.toml";
};

TEST_F(Calibrate, MakesALinkFitForKey) {
  EXPECT_EQ(run().exit, 3);
  const Outcome o = calibrate();
  ASSERT_EQ(o.exit, 0) << o.err << o.out;
  const json j = json::parse(o.out);
  EXPECT_EQ(j["schema"], "nicol.calibrate/1");
  for (const auto& routine : j["routines"]) EXPECT_EQ(routine["status"], "passed") << routine;
  const Outcome after = run();
  EXPECT_EQ(after.exit, 0) << after.out;
}

TEST_F(Calibrate, SaysWhatMovedAndWhatItCost) {
  const json j = json::parse(calibrate({"polarisation"}).out);
  ASSERT_EQ(j["routines"].size(), 1U);
  const json& r = j["routines"][0];
  EXPECT_EQ(r["routine"], "polarisation");
  EXPECT_LE(r["motor_moves"], 12);
  EXPECT_LE(r["detected_photons"], 200'000);
  EXPECT_NE(r["before"]["own.compensator-0.position_deg"], r["after"]["own.compensator-0.position_deg"]);
  for (const auto& f : r["fitted"])
    EXPECT_TRUE(f["name"].is_string() && f["value"].is_number() && f["stderr"].is_number() && f["unit"].is_string());
}

TEST_F(Calibrate, DoesOnlyWhatIsStaleInTheDaily) {
  ASSERT_EQ(calibrate().exit, 0);
  const Outcome o = calibrate({"daily"});
  EXPECT_EQ(o.exit, 0);
  EXPECT_TRUE(json::parse(o.out)["routines"].empty());
}

TEST_F(Calibrate, NamesWhatItKnowsWhenAskedForSomethingElse) {
  const Outcome o = calibrate({"paddles"});
  EXPECT_EQ(o.exit, 2);
  EXPECT_NE(o.err.find("expected one of full, daily"), std::string::npos) << o.err;
}

TEST_F(Calibrate, KeepsRecordsThatNobodyCanChangeUnseen) {
  ASSERT_EQ(calibrate({"polarisation"}).exit, 0);
  edit_file(record("polarisation-0001.json"), "\"status\": \"passed\"", "\"status\": \"failed\"");
  for (const Outcome& o : {run(), calibrate()}) {
    EXPECT_EQ(o.exit, 2) << o.err;
    EXPECT_NE(o.err.find("polarisation-0001.json: was changed"), std::string::npos) << o.err;
  }
}

TEST_F(Calibrate, MissesARecordThatWasTakenOutOfTheRow) {
  ASSERT_EQ(calibrate({"polarisation"}).exit, 0);
  ASSERT_EQ(calibrate({"polarisation"}).exit, 0);
  std::filesystem::remove(record("polarisation-0001.json"));
  const Outcome o = run();
  EXPECT_EQ(o.exit, 2);
  EXPECT_NE(o.err.find("polarisation-0002.json: the record before it"), std::string::npos) << o.err;
}

TEST_F(Calibrate, MissesItsNewestRecordAndBeginsAnewWhereAPersonMeantIt) {
  ASSERT_EQ(calibrate({"delays"}).exit, 0);
  std::filesystem::remove(record("delays-0001.json"));
  const Outcome o = run();
  EXPECT_EQ(o.exit, 2);
  EXPECT_NE(o.err.find("made 1 records of delays, and those after number 0 are missing"), std::string::npos) << o.err;
  EXPECT_EQ(nicol({"calibrate", "forget", "--state", (folder_ / "state").string()}).exit, 0);
  EXPECT_EQ(calibrate({"delays"}).exit, 0);
  EXPECT_TRUE(std::filesystem::exists(record("delays-0002.json")));
}

TEST_F(Calibrate, GoesOnWithAFullOneThatWasKilled) {
  const auto note = record("full.begun");
  const auto records = [&] {
    std::error_code none;
    return std::ranges::count_if(std::filesystem::directory_iterator(note.parent_path(), none),
                                 [](const auto& entry) { return entry.path().extension() == ".json"; });
  };
  for (bool killed = false; !killed;) {  // again where it was done before the kill came
    Program full(nicol_program(), with({"calibrate", "full"}, "5"));
    const auto before = records();
    while (full.running() && records() == before) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    full.kill(SIGKILL);
    full.wait();
    killed = std::filesystem::exists(note);
  }
  const Outcome rest = nicol(with({"calibrate", "full", "--resume"}, "5"));
  ASSERT_EQ(rest.exit, 0) << rest.err << rest.out;
  const json j = json::parse(rest.out);
  EXPECT_FALSE(j["left_out"].empty());
  for (const auto& one : j["left_out"]) EXPECT_EQ(one["why"], "was done before the interruption");
  EXPECT_FALSE(std::filesystem::exists(note));
  EXPECT_TRUE(json::parse(nicol(with({"calibrate", "full", "--resume"}, "5")).out)["left_out"].empty());
}

TEST_F(Calibrate, MeasuresBehindThePlatesThatAnEarlierOneHasSet) {
  ASSERT_EQ(calibrate({"delays", "polarisation"}).exit, 0);
  const Outcome o = calibrate({"efficiency-mismatch"});
  EXPECT_EQ(o.exit, 0) << o.out;
}

TEST_F(Calibrate, WritesAPageAndTheSameAsJson) {
  for (int i = 0; i < 2; ++i) ASSERT_EQ(calibrate({"delays"}).exit, 0);
  const std::string page = (folder_ / "page.html").string();
  const Outcome o = nicol({"calibrate", "report", "--state", (folder_ / "state").string(), "--out", page, "--json"});
  ASSERT_EQ(o.exit, 0) << o.err;
  const json j = json::parse(o.out);
  EXPECT_EQ(j["schema"], "nicol.calibration-report/1");
  const std::string text = read_file(page);
  EXPECT_TRUE(text.starts_with("<!DOCTYPE html>"));
  EXPECT_NE(text.find("<svg"), std::string::npos);
  for (const auto& routine : j["routines"])
    for (const auto& r : routine["records"]) EXPECT_NE(text.find(r["id"].get<std::string>()), std::string::npos);
}

TEST_F(Calibrate, KeepsTheRawTagsOfItsLightInPlainFiles) {
  const auto tape = folder_ / "tape";
  ASSERT_EQ(calibrate({"delays", "--record", tape.string()}).exit, 0);
  const Outcome o = nicol({"tool", "tags", "--input", (tape / "bob.tags").string(), "--format", "nicol"});
  ASSERT_EQ(o.exit, 0) << o.err;
  EXPECT_GT(json::parse(o.out)["events"], 10'000) << o.out;
}

TEST_F(Calibrate, MeasuresPhotonNumbersWhereSomebodyVouchesForTheTransmission) {
  ASSERT_EQ(calibrate({"delays", "polarisation"}).exit, 0);
  const Outcome o = nicol(with({"calibrate", "photon-number", "--transmission-at-least", "0.28"}, "9"));
  ASSERT_EQ(o.exit, 0) << o.err << o.out;
  EXPECT_TRUE(json::parse(o.out)["routines"][0]["not_determined"].empty());
  const Outcome key = said_of_a_run();
  EXPECT_EQ(key.exit, 0) << key.err;
  EXPECT_NE(key.out.find("mu, g2 measured"), std::string::npos) << key.out;
}

TEST_F(Calibrate, IsNamedInARunsReportThoughItIsBobs) {
  ASSERT_EQ(calibrate().exit, 0);
  const Outcome o = said_of_a_run();
  ASSERT_EQ(o.exit, 0) << o.err;
  EXPECT_NE(o.out.find("relies on (Bob): calibration polarisation "), std::string::npos) << o.out;
}

TEST_F(Calibrate, EndsForSecurityWhereAStrangerAnswers) {
  const auto link = folder_ / "link", other = folder_ / "other";
  for (const auto& place : {link, other})
    ASSERT_EQ(nicol({"init", place.string(), "--scenario", scenario_.string()}).exit, 0);
  edit_file(other / "alice.toml", "127.0.0.1:7450", "127.0.0.1:27451");
  edit_file(link / "bob.toml", "127.0.0.1:7450", "127.0.0.1:27451");
  edit_file(link / "bob.toml", "unix:light.sock", "unix:" + (other / "light.sock").string());
  Program alice(nicol_program(), {"alice", "--config", (other / "alice.toml").string()});
  const Outcome bob = nicol({"calibrate", "delays", "--config", (link / "bob.toml").string()});
  EXPECT_EQ(bob.exit, 3) << bob.err;
  EXPECT_NE(bob.err.find("nothing was calibrated"), std::string::npos) << bob.err;
  EXPECT_FALSE(std::filesystem::exists(link / "bob-state" / "calibrations" / "delays-0001.json"));
  alice.kill(SIGTERM);
  alice.wait();
}

class EmulatedCalibrate : public Calibrate {
 protected:
  /// These routines on emulated instruments, in real time; then key.
  void calibrates(std::vector<std::string> routines, std::chrono::seconds patience) {
    routines.insert(routines.begin(), "calibrate");
    const Outcome o = Program(emulated(), with(std::move(routines), "7")).wait(patience);
    ASSERT_EQ(o.exit, 0) << o.err << o.out;
    const Outcome after = Program(emulated(), with({"run", "--blocks", "1"}, "8")).wait();
    EXPECT_EQ(after.exit, 0) << after.err << after.out;
    EXPECT_EQ(json::parse(after.out)["blocks"][0]["status"], "key");
  }
};

TEST_F(EmulatedCalibrate, AlignsInstrumentsInRealTime) {
  calibrates({"delays", "polarisation", "efficiency-mismatch"}, std::chrono::seconds(120));
}

using LongEmulatedCalibrate = EmulatedCalibrate;
TEST_F(LongEmulatedCalibrate, KnowsEverythingOfARigInMinutes) { calibrates({"full"}, std::chrono::seconds(540)); }

}  // namespace
}  // namespace nicol::test
