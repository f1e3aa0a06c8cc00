// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "controller/service/config.hpp"
#include "controller/service/source_config.hpp"

namespace nicol::service {
namespace {

constexpr const char* kGood = R"(format = 1
[node]
role = "alice"
state = "alice-state"
[peer]
listen = "127.0.0.1:7450"
[rig]
scenario = "teaching"
light = "unix:light.sock"
seed = 7
)";

class ConfigFile : public testing::Test {
 protected:
  ConfigFile() : path_(std::filesystem::path(testing::TempDir()) / "nicol-config-test.toml") {}
  ~ConfigFile() override { std::filesystem::remove(path_); }
  Result<NodeConfig> load(const std::string& text) {
    std::ofstream(path_) << text;
    return load_config(path_);
  }
  /// The message of a refusal; fails the test when the file is accepted.
  std::string refusal(const std::string& text) {
    const auto c = load(text);
    EXPECT_FALSE(c.ok());
    if (c.ok()) return "";
    EXPECT_EQ(c.error().code, Code::bad_input);
    return c.error().message;
  }
  static std::string with(std::string from, std::string to) {
    std::string text = kGood;
    text.replace(text.find(from), from.size(), to);
    return text;
  }
  std::filesystem::path path_;
};

TEST_F(ConfigFile, TakesPathsFromItsOwnFolder) {
  const auto c = load(kGood);
  ASSERT_TRUE(c.ok()) << describe(c.error());
  EXPECT_EQ(c->state, path_.parent_path() / "alice-state");
  EXPECT_EQ(c->light, path_.parent_path() / "light.sock");
  EXPECT_EQ(c->role, session::Side::alice);
  EXPECT_EQ(c->seed, 7U);
}

TEST_F(ConfigFile, HasNoSimulatedPumpBesideRealDevices) {
  std::string text = with("scenario = \"teaching\"\nlight = \"unix:light.sock\"\nseed = 7\n",
                          "devices = [\"role=pump, driver=scpi-laser\"]\npump = \"unix:pump.sock\"\n");
  EXPECT_NE(refusal(text).find("rig.pump: expected no pump"), std::string::npos);
}

TEST_F(ConfigFile, OfASourceIsSimulatedOrNamesItsDevices) {
  const auto source = [this](const std::string& rig) {
    std::ofstream(path_) << "format = 1\n[node]\nrole = \"source\"\n[rig]\n" << rig;
    return load_source_config(path_);
  };
  const auto simulated = source("scenario = \"entangled\"\npump = \"unix:p.sock\"\n");
  ASSERT_TRUE(simulated.ok()) << describe(simulated.error());
  EXPECT_EQ(simulated->pump, path_.parent_path() / "p.sock");
  const auto real = source("devices = [\n\"role=pump, driver=scpi-laser\",\n\"role=oven, driver=s15-spdc\"]\n");
  ASSERT_TRUE(real.ok()) << describe(real.error());
  ASSERT_EQ(real->devices.size(), 2U);
  EXPECT_NE(real->devices[1].place.find(":7: rig.devices"), std::string::npos) << real->devices[1].place;
  const auto says = [&](const std::string& rig) {
    const auto refused = source(rig);
    return refused ? std::string("accepted") : describe(refused.error());
  };
  EXPECT_NE(says("").find("exactly one of scenario and devices"), std::string::npos);
  EXPECT_NE(says("scenario = \"entangled\"\n").find("rig.pump: expected \"unix:PATH\""), std::string::npos);
  EXPECT_NE(says("devices = [\n\"role=tagger, driver=rig\"]\n").find(":6: rig.devices: expected role=…"),
            std::string::npos);
  EXPECT_NE(says("devices = [\"role=pump, driver=rig\"]\npump = \"unix:p\"\n").find("no pump"), std::string::npos);
}

TEST_F(ConfigFile, NamesLineAndFieldOfAnUnknownKey) {
  const std::string message = refusal(with("seed = 7", "sead = 7"));
  EXPECT_NE(message.find(":10: rig.sead: unknown key"), std::string::npos) << message;
}

TEST_F(ConfigFile, NamesWhatItExpected) {
  EXPECT_NE(refusal(with("\"alice\"", "\"eve\"")).find("one of alice, bob"), std::string::npos);
  EXPECT_NE(refusal(with("127.0.0.1:7450", "127.0.0.1")).find("host:port"), std::string::npos);
  EXPECT_NE(refusal(with("seed = 7", "speed = 0")).find("a number above 0"), std::string::npos);
}

TEST_F(ConfigFile, SaysHowTheFibreIsFollowed) {
  const std::string bob = with("role = \"alice\"", "role = \"bob\"");
  const auto plain = load(bob);
  ASSERT_TRUE(plain.ok()) << describe(plain.error());
  EXPECT_EQ(plain->track, TrackingWish::where_possible);
  const auto asked = load(bob + "[tracking]\nenabled = true\nlargest_step_deg = 30\ntravel_deg = 5000\n");
  ASSERT_TRUE(asked.ok()) << describe(asked.error());
  EXPECT_EQ(asked->track, TrackingWish::on);
  EXPECT_DOUBLE_EQ(asked->tracking.largest_step.degrees(), 30);
  EXPECT_DOUBLE_EQ(asked->tracking.travel.degrees(), 5000);
  EXPECT_EQ(load(bob + "[tracking]\nenabled = false\n")->track, TrackingWish::off);
}

TEST_F(ConfigFile, RefusesToTurnPlatesThatAliceHasNot) {
  EXPECT_NE(refusal(std::string(kGood) + "[tracking]\nenabled = true\n").find("tracking.enabled: expected false"),
            std::string::npos);
  EXPECT_NE(refusal(std::string(kGood) + "[tracking]\nlargest_step_deg = 200\n").find("tracking.largest_step_deg"),
            std::string::npos);
}

TEST_F(ConfigFile, RefusesANewerFormat) {
  EXPECT_NE(refusal(with("format = 1", "format = 2")).find("newer nicol"), std::string::npos);
}

TEST_F(ConfigFile, RefusesASeedOnARealRig) {
  const std::string real = with("scenario = \"teaching\"\nlight = \"unix:light.sock\"",
                                "devices = [\"role=waveplate,driver=elliptec,serial=1\"]");
  EXPECT_NE(refusal(real).find("rig.seed"), std::string::npos);
}

TEST_F(ConfigFile, NamesTheLineOfARoleThatIsNone) {
  const std::string real =
      with("scenario = \"teaching\"\nlight = \"unix:light.sock\"\n",
           "link = \"teaching\"\ndevices = [\n\"role=source,driver=rig\",\n\"role=tager,driver=rig\"]\n#");
  const std::string message = refusal(real);
  EXPECT_NE(message.find("rig.devices: expected role=… to be one of"), std::string::npos) << message;
  EXPECT_NE(message.find("\"tager\""), std::string::npos) << message;
}

TEST_F(ConfigFile, RefusesADeviceWithoutARole) {
  const std::string real = with("scenario = \"teaching\"\nlight = \"unix:light.sock\"\n",
                                "link = \"teaching\"\ndevices = [\"driver=tdc1\"]\n#");
  EXPECT_NE(refusal(real).find("no role="), std::string::npos);
}

TEST_F(ConfigFile, RefusesAFileThatBothListensAndCalls) {
  EXPECT_NE(refusal(with("listen = \"127.0.0.1:7450\"", "listen = \"a:1\"\nconnect = \"b:2\""))
                .find("exactly one of listen and connect"),
            std::string::npos);
}

TEST_F(ConfigFile, GivesTheLineOfASyntaxError) {
  EXPECT_NE(refusal("format = 1\n[node\n").find(":2:"), std::string::npos);
}

TEST_F(ConfigFile, ARealRigNeverFallsBackToMlockByItself) {
  const auto real = load(
      "format = 1\n[node]\nrole = \"bob\"\nstate = \"s\"\n[peer]\nconnect = \"a:1\"\n[rig]\ndevices = "
      "[\"role=tagger,driver=tdc1\"]\n");
  ASSERT_TRUE(real.ok()) << describe(real.error());
  EXPECT_FALSE(real->memory_policy().allow_mlock_instead);
  EXPECT_EQ(real->publish, PublishPolicy::production_only);
}

}  // namespace
}  // namespace nicol::service
