// SPDX-License-Identifier: Apache-2.0
// nicol-emu: the whole chain through real drivers, libusb and libserialport to emulated instruments, in real time; what
// it counts is what the simulator counts, and its mounts really turn the light.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "tests/integration/program.hpp"

namespace nicol::test {
namespace {

using nlohmann::json;
constexpr std::chrono::seconds kPatience{120};

Outcome nicol_emu(std::vector<std::string> arguments) {
  return Program(nicol_program().parent_path() / "nicol-emu", std::move(arguments)).wait(kPatience);
}

/// Of some blocks; `slots` are those whose tags Bob did not lose (a busy computer loses some in real time, and says
/// so).
struct Counts {
  double slots = 0, detections = 0, sifted = 0, disclosed[2] = {}, errors[2] = {};
};

Counts counts_of(const json& run) {
  Counts c;
  for (const json& block : run["blocks"]) {
    c.slots += block["slots"].get<double>() - block["dropped_slots"].get<double>();
    c.detections += block["detections"].get<double>();
    c.sifted += block["sifted_bits"].get<double>();
    const char* bases[] = {"rectilinear", "diagonal"};
    for (std::size_t b = 0; b < 2; ++b) {
      c.disclosed[b] += block["sample"][bases[b]]["bits"].get<double>();
      c.errors[b] += block["sample"][bases[b]]["errors"].get<double>();
    }
  }
  return c;
}

/// Two Poisson counts over `slots_a` and `slots_b` slots of the same light.
void expect_alike(const char* what, double a, double slots_a, double b, double slots_b) {
  const double sigma = std::sqrt(a / (slots_a * slots_a) + b / (slots_b * slots_b));
  EXPECT_NEAR(a / slots_a, b / slots_b, 4.5 * sigma) << what;
}

TEST(EmulatedRig, MakesKeyWithinAMinuteAndCountsAsTheSimulatorDoes) {
  const Outcome emulated = nicol_emu({"run", "--scenario", "emulated", "--blocks", "1", "--seed", "11", "--json"});
  ASSERT_EQ(emulated.exit, 0) << emulated.err;
  const json run = json::parse(emulated.out);
  EXPECT_EQ(run["blocks"][0]["status"], "key");
  EXPECT_TRUE(run["keys_match"].get<bool>());
  EXPECT_EQ(run["origin"], "simulated");
  EXPECT_LT(run["totals"]["wall_s"].get<double>(), 60);
  const Outcome plain = nicol({"run", "--scenario", "emulated", "--blocks", "4", "--seed", "12", "--json"});
  ASSERT_EQ(plain.exit, 0) << plain.err;
  const Counts a = counts_of(run), b = counts_of(json::parse(plain.out));
  EXPECT_GT(a.slots, run["blocks"][0]["slots"].get<double>() / 2);
  EXPECT_EQ(b.slots, 4 * run["blocks"][0]["slots"].get<double>());
  expect_alike("detections", a.detections, a.slots, b.detections, b.slots);
  expect_alike("sifted bits", a.sifted, a.slots, b.sifted, b.slots);
  for (std::size_t basis = 0; basis < 2; ++basis) {
    expect_alike("disclosed bits", a.disclosed[basis], a.slots, b.disclosed[basis], b.slots);
    expect_alike("errors", a.errors[basis], a.slots, b.errors[basis], b.slots);
  }
}

/// The control: the same rig with its mounts where they do not belong.
TEST(EmulatedRig, MakesNoKeyWhenItsMountsStandWrong) {
  const Folder f;
  const std::filesystem::path scenario = std::filesystem::path(NICOL_SOURCE_DIR) / "sim/scenario/emulated.toml";
  write_file(f / "wrong.toml", read_file(scenario));
  edit_file(f / "wrong.toml", "setting_deg = [35, 70, 20]", "setting_deg = [0, 0, 0]");
  edit_file(f / "wrong.toml", "block_slots = 65_000_000", "block_slots = 6_500_000");
  const Outcome o = nicol_emu({"run", "--scenario", (f / "wrong.toml").string(), "--blocks", "1", "--json"});
  EXPECT_EQ(o.exit, 3) << o.err;
  EXPECT_EQ(json::parse(o.out)["blocks"][0]["abort_reason"], "qber");
}

/// A laser driver over USBTMC, an oven on a serial line, two rig boards over USB: pump, crystal, taggers, detectors.
TEST(EmulatedRig, SharesPairsFromABoughtLaserAndMakesKey) {
  const Outcome o = nicol_emu({"run", "--scenario", "emulated-entangled", "--blocks", "1", "--seed", "5", "--json"});
  ASSERT_EQ(o.exit, 0) << o.err << o.out;
  const json run = json::parse(o.out);
  EXPECT_EQ(run["protocol"], "bbm92");
  EXPECT_EQ(run["origin"], "simulated");
  EXPECT_TRUE(run["keys_match"].get<bool>());
  const json& block = run["blocks"][0];
  EXPECT_EQ(block["status"], "key") << block.dump();
  EXPECT_GT(block["secret_bits"].get<int>(), 1000);
  const Outcome plain = nicol({"run", "--scenario", "emulated-entangled", "--blocks", "1", "--seed", "6", "--json"});
  ASSERT_EQ(plain.exit, 0) << plain.err;
  const json simulated = json::parse(plain.out)["blocks"][0];
  for (const char* basis : {"rectilinear", "diagonal"}) {
    const json &a = block["sample"][basis], &b = simulated["sample"][basis];
    expect_alike(basis, a["errors"].get<double>(), a["bits"].get<double>(), b["errors"].get<double>(),
                 b["bits"].get<double>());
  }
}

/// Dark until it is told, lit by the devices' own words, dark again by SIGTERM; its commands come over standard input.
TEST(EmulatedSource, RunsABoughtLaserAnOvenAndAShutterAtAThirdPlace) {
  const Folder f;
  write_file(f / "source.toml",
             "format = 1\n[node]\nrole = \"source\"\n[rig]\ndevices = [\n"
             "\"role=pump, driver=scpi-laser, serial=M00312450, set.current=0.045\",\n"
             "\"role=oven, driver=s15-spdc, serial=SPDCSDR-42, unit=crystal, set.temperature=42\",\n"
             "\"role=shutter, driver=rig, serial=NIC001, unit=shutter-0, retry_ms=400\"]\n");
  const std::string input = (f / "in").string(), log = (f / "log").string();
  ASSERT_EQ(mkfifo(input.c_str(), 0600), 0);
  Program source("/bin/sh",
                 {"-c", "exec " + (nicol_program().parent_path() / "nicol-emu").string() + " source --json --config " +
                            (f / "source.toml").string() + " <> " + input + " 2> " + log});
  const auto hears = [&](const std::string& words) {
    for (int i = 0; i < 6000 && source.running(); ++i) {
      if (read_file(log).find(words) != std::string::npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  };
  ASSERT_TRUE(hears("source dark, pump off")) << read_file(log);
  write_file(input, "arm\n");
  ASSERT_TRUE(hears("light; source lit, pump emitting")) << read_file(log);
  write_file(input, "status\n");
  EXPECT_TRUE(hears("shutter open")) << read_file(log);
  write_file(input, "off\nsing\n");
  EXPECT_TRUE(hears("expected arm, arm anyway, off, status or quit")) << read_file(log);
  write_file(input, "arm\n");
  source.kill(SIGTERM);
  const Outcome o = source.wait(kPatience);
  EXPECT_EQ(o.exit, 0) << read_file(log);
  EXPECT_EQ(json::parse(o.out)["light"], "off");
}

TEST(EmulatedShelf, IsListedWithoutBeingOpened) {
  const Outcome o = nicol_emu({"devices", "--json"});
  ASSERT_EQ(o.exit, 0) << o.err;
  std::set<std::string> drivers;
  const json list = json::parse(o.out);
  for (const json& d : list["devices"]) {
    drivers.insert(d["driver"].get<std::string>());
    EXPECT_EQ(d["state"], "free") << d.dump();
    EXPECT_FALSE(d["port"].get<std::string>().empty()) << d.dump();
  }
  for (const char* driver : {"rig", "elliptec", "apt", "newport", "tdc1"})
    EXPECT_TRUE(drivers.contains(driver)) << driver;
}

class AnEmulatedDevice : public testing::TestWithParam<const char*> {};

TEST_P(AnEmulatedDevice, PassesItsOwnChecks) {
  const Outcome o = nicol_emu({"devices", "test", GetParam(), "--json"});
  EXPECT_EQ(o.exit, 0) << o.err << o.out;
  const json report = json::parse(o.out);
  EXPECT_FALSE(report["items"].empty());
  for (const json& item : report["items"]) EXPECT_TRUE(item["passed"].get<bool>()) << item.dump();
}

INSTANTIATE_TEST_SUITE_P(Shelf, AnEmulatedDevice,
                         testing::Values("55000123", "27000123", "38000123", "37000123", "TDC1-0042",
                                         "driver=elliptec,port=/dev/ttyEMU0,address=0",
                                         "driver=rig,serial=NIC001,unit=source",
                                         "driver=rig,serial=NIC001,unit=tagger"),
                         [](const auto& p) { return "Number" + std::to_string(p.index); });

}  // namespace
}  // namespace nicol::test
