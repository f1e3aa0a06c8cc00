// SPDX-License-Identifier: Apache-2.0
// The program beside simulated pairs: their tags through its tools, and its source at a third place.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "drivers/files/tag_tee.hpp"
#include "tests/integration/program.hpp"
#include "tests/unit/sim/pair_link.hpp"

namespace nicol::test {
namespace {

using nlohmann::json;

class PairProgram : public testing::Test {
 protected:
  PairProgram()
      : folder_(std::filesystem::temp_directory_path() / ("nicol-pair-program-" + std::to_string(::getpid()))),
        scenario_(sim::load_scenario("entangled").value()) {
    std::filesystem::create_directories(folder_);
  }
  ~PairProgram() override { std::filesystem::remove_all(folder_); }
  std::string path(const char* name) const { return (folder_ / name).string(); }
  std::filesystem::path folder_;
  sim::Scenario scenario_;
};

/// Each tagger's reader, while both run.
void run_for(PairLink& link, Picoseconds length) {
  auto *hers = link.alice().find<hal::TimeTagger>("tagger"), *his = link.bob().find<hal::TimeTagger>("tagger");
  ASSERT_TRUE(his->start().ok() && hers->start().ok());
  const std::int64_t until = (link.alice().clock->now() + length).count;
  std::jthread bob([&](const std::stop_token& stop) {
    std::vector<hal::TimeTag> tags(1 << 14);
    std::vector<hal::LossInterval> losses(16);
    for (hal::TagBlock block; !stop.stop_requested();) {
      block.storage = tags;
      block.loss_storage = losses;
      (void)his->acquire(block, SteadyDeadlines().in(std::chrono::milliseconds(20)));
    }
  });
  std::vector<hal::TimeTag> tags(1 << 14);
  std::vector<hal::LossInterval> losses(16);
  for (hal::TagBlock block; link.alice().clock->now().count < until;) {
    block.storage = tags;
    block.loss_storage = losses;
    ASSERT_EQ(hers->acquire(block, SteadyDeadlines().in(std::chrono::seconds(30))), hal::StreamStatus::ok);
  }
  ASSERT_TRUE(hers->stop().ok());
  // Light that has left is still to be read.
  const Deadline patience = SteadyDeadlines().in(std::chrono::seconds(60));
  while (link.bob().clock->now() < link.alice().clock->now() && !SteadyDeadlines().passed(patience))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

TEST_F(PairProgram, SiftsTheTagsOfASimulatedRunThroughReadevents) {
  const auto length = Picoseconds::seconds(2);
  {
    sim::WorldOptions world{scenario_, 1, {}, 0, {}};
    int made = 0;
    world.tap = [&](std::unique_ptr<hal::TimeTagger> tagger, const hal::TimingLayout& timing) {
      const auto file = folder_ / (made++ == 0 ? "alice.tags" : "bob.tags");
      return std::make_unique<files::TagTee>(
          std::move(tagger),
          files::TapeOptions{file, files::card_order(timing), [](const Error& e) { ADD_FAILURE() << describe(e); }});
    };
    PairLink link(world);
    link.light(scenario_.source.pairs.pump_mw);
    run_for(link, length);
  }
  for (const char* side : {"alice", "bob"}) {
    const std::string tags = path(side) + ".tags", words = path(side) + ".words";
    const Outcome o =
        nicol({"tool", "tags", "--input", tags, "--format", "nicol", "--to", "readevents", "--output", words});
    ASSERT_EQ(o.exit, 0) << o.err;
  }
  const Outcome sifted = nicol({"tool", "sift", "--alice", path("alice") + ".words", "--bob", path("bob") + ".words",
                                "--format", "readevents", "--state", "psi-minus", "--window-ps", "2000"});
  ASSERT_EQ(sifted.exit, 0) << sifted.err;
  const json j = json::parse(sifted.out);
  const auto theory = sim::expect_pairs(scenario_, scenario_.source.pairs.pump_mw, {2'000});
  const double expected = (theory.sifted(0) + theory.sifted(1)) * length.seconds();
  EXPECT_NEAR(j["sifted_bits"].get<double>() / expected, 1, 0.03);
  for (std::size_t basis = 0; basis < 2; ++basis) {
    const double e = theory.qber(basis, sim::PairState::psi_minus), n = theory.sifted(basis) * length.seconds();
    EXPECT_NEAR(j["qber"][basis == 0 ? "rectilinear" : "diagonal"].get<double>(), e, 4.5 * std::sqrt(e * (1 - e) / n));
  }
}

TEST_F(PairProgram, LightsAliceFromAThirdPlaceUntilItIsStopped) {
  std::ofstream(path("source.toml")) << "format = 1\n[node]\nrole = \"source\"\n[rig]\nscenario = \"entangled\"\n"
                                        "pump = \"unix:pump.sock\"\n";
  Program source(NICOL_EXE, {"source", "--config", path("source.toml"), "--arm", "--json"});
  scenario_ = with_ideal_clocks(scenario_);
  PairLink link(scenario_, 1, folder_ / "pump.sock");
  EXPECT_GT(count(link.run(Picoseconds::seconds(0.05)), {2'000}).total(), 1000u);
  source.kill(SIGTERM);
  const Outcome o = source.wait();
  EXPECT_EQ(o.exit, 0) << o.err;
  const json j = json::parse(o.out, nullptr, false);
  EXPECT_EQ(j["schema"], "nicol.source/1") << o.out << o.err;
  EXPECT_GE(j["stretches"], 50);
  EXPECT_EQ(j["light"], "off");
  EXPECT_LT(count(link.run(Picoseconds::seconds(0.05)), {2'000}).total(), 3u);
}

TEST_F(PairProgram, IsDarkWithoutConsent) {
  std::ofstream(path("source.toml")) << "format = 1\n[rig]\nscenario = \"entangled\"\npump = \"unix:pump.sock\"\n";
  Program source(NICOL_EXE, {"source", "--config", path("source.toml")});
  PairLink link(with_ideal_clocks(scenario_), 1, folder_ / "pump.sock");
  EXPECT_LT(count(link.run(Picoseconds::seconds(0.05)), {2'000}).total(), 3u);
}

TEST_F(PairProgram, MakesLightAgainForWhoeverArmsItAgain) {
  std::ofstream(path("source.toml")) << "format = 1\n[rig]\nscenario = \"entangled\"\npump = \"unix:pump.sock\"\n";
  ASSERT_EQ(mkfifo(path("in").c_str(), 0600), 0);
  Program source("/bin/sh", {"-c", std::string("exec ") + NICOL_EXE + " source --arm --config " + path("source.toml") +
                                       " <> " + path("in")});
  PairLink link(with_ideal_clocks(scenario_), 1, folder_ / "pump.sock");
  EXPECT_GT(count(link.run(Picoseconds::seconds(0.05)), {2'000}).total(), 1000u);
  const auto comes = [&](bool light) {
    for (const Deadline patience = SteadyDeadlines().in(std::chrono::seconds(60)); !SteadyDeadlines().passed(patience);)
      if ((count(link.run(Picoseconds::seconds(0.05)), {2'000}).total() > 1000) == light) return true;
    return false;
  };
  std::ofstream(path("in")) << "off\n";
  EXPECT_TRUE(comes(false));
  std::ofstream(path("in")) << "arm\n";
  EXPECT_TRUE(comes(true));
  source.kill(SIGTERM);
  EXPECT_EQ(source.wait().exit, 0);
}

/// Each node says which line of its file is wrong, before it opens a device.
TEST_F(PairProgram, NamesTheLineOfARoleThatAPairLinkHasNot) {
  const auto refusal = [&](const std::string& role, const std::string& device) {
    const std::string file = path("node.toml");
    std::ofstream(file) << "format = 1\n[node]\nrole = \"" << role << "\"\nstate = \"s\"\n[peer]\n"
                        << "listen = \"127.0.0.1:0\"\n[rig]\nlink = \"entangled\"\ndevices = [\n  \"" << device
                        << "\"]\n[secret]\nbacking = \"mlock\"\n";
    const Outcome o = nicol({role, "--config", file});
    EXPECT_EQ(o.exit, 2) << o.err;
    return o.err;
  };
  const std::string source = refusal("alice", "role=source, driver=rig, unit=source");
  EXPECT_NE(
      source.find("node.toml:10: rig.devices: expected role=… to be one of tagger, shutter, detector-0, pump, oven"),
      std::string::npos)
      << source;
  EXPECT_NE(refusal("bob", "role=oven, driver=s15-spdc").find("node.toml:10: rig.devices: expected role=…"),
            std::string::npos);
  EXPECT_NE(refusal("bob", "role=waveplate, driver=elliptec").find("where pairs are shared, not \"waveplate\""),
            std::string::npos);
}

TEST_F(PairProgram, WritesASourcesFileBesideThoseOfItsNodes) {
  ASSERT_EQ(nicol({"init", path("link"), "--scenario", "entangled"}).exit, 0);
  for (const char* file : {"alice.toml", "bob.toml", "source.toml"})
    EXPECT_NE(read_file(folder_ / "link" / file).find("# devices = ["), std::string::npos) << file;
  Program source(NICOL_EXE, {"source", "--config", (folder_ / "link/source.toml").string(), "--json"});
  const Deadline patience = SteadyDeadlines().in(std::chrono::seconds(60));
  while (!std::filesystem::exists(folder_ / "link/pump.sock") && !SteadyDeadlines().passed(patience))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  source.kill(SIGTERM);
  EXPECT_EQ(source.wait().exit, 0);
  ASSERT_EQ(nicol({"init", path("plain")}).exit, 0);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "plain/source.toml"));
}

TEST_F(PairProgram, RefusesASourceThatMakesNoPairs) {
  std::ofstream(path("source.toml")) << "format = 1\n[rig]\nscenario = \"teaching\"\npump = \"unix:pump.sock\"\n";
  const Outcome o = nicol({"source", "--config", path("source.toml")});
  EXPECT_EQ(o.exit, 2);
  EXPECT_NE(o.err.find("entangled source"), std::string::npos) << o.err;
}

}  // namespace
}  // namespace nicol::test
