// SPDX-License-Identifier: Apache-2.0
// What people and the other node are told while a fibre is followed: plates that stick, an excess that stays, a block
// that is worth trying at once. Two whole nodes in this process; Bob's plates are in a test's hands.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "controller/app/setup.hpp"
#include "sim/devices/timing.hpp"
#include "sim/devices/world.hpp"
#include "tests/integration/program.hpp"
#include "tests/unit/service/stub_stage.hpp"

namespace nicol::test {
namespace {

template <class T>
T expect(Result<T> result) {
  if (!result) throw std::runtime_error(describe(result.error()));
  return std::move(result).value();
}

class TrackedNodes : public testing::Test {
 protected:
  void start(const std::string& eve = "none") {
    const auto link = folder_ / "link";
    ASSERT_EQ(nicol({"init", link.string(), "--scenario", "drifting"}).exit, 0);
    auto hers = setup(link / "alice.toml", eve), his = setup(link / "bob.toml", eve);
    alice_ = expect(app::make_node(hers, {}));
    his.endpoint.port = std::to_string(alice_->listen_port());
    bob_ = expect(app::make_node(his, {}, plates(his)));
    bob_->submit({service::Command::Kind::run, 0, "", "test"});
  }
  static app::NodeSetup setup(const std::filesystem::path& file, const std::string& eve) {
    const auto config = expect(service::load_config(file));
    secret::set_memory_policy(config.memory_policy());
    auto setup = expect(app::node_from_config(config));
    setup.world.seed = 1;
    setup.world.eve = expect(sim::parse_eve(eve));
    setup.endpoint = {"127.0.0.1", "0"};
    return setup;
  }
  /// Bob's rig with mounts that stick when a test says so.
  std::unique_ptr<hal::Rig> plates(app::NodeSetup& setup) {
    const sim::Scenario& scenario = setup.world.scenario;
    std::vector<std::unique_ptr<StubStage>> stages;
    for (std::size_t i = 0; i < 3; ++i) {
      const Angle at = Angle::degrees(scenario.compensator.setting_deg[i]);
      stages.push_back(std::make_unique<StubStage>(sim::compensator_role(i), at));
      stages_[i] = stages[i].get();
      setup.world.turned_elsewhere.push_back(
          {scenario.compensator.retardance_waves[i], [stage = stages_[i]](Picoseconds) { return stage->position; }});
    }
    auto rig = expect(sim::make_bob_rig(setup.world));
    for (std::size_t i = 0; i < 3; ++i)
      rig->add(sim::compensator_role(i), sim::compensator_role(i), std::move(stages[i]));
    rig->compensator = sim::compensator_plates(scenario);
    return rig;
  }
  void run(std::uint64_t blocks) {
    alice_->submit({service::Command::Kind::run, blocks, "", "test"});
    ASSERT_TRUE(alice_->wait(std::chrono::seconds(120))) << alice_->snapshot()->session_state;
    const std::size_t all = alice_->blocks_since(0, 1024).size();
    for (int i = 0; i < 6000 && bob_->blocks_since(0, 1024).size() < all; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::optional<service::Alarm> alarm(const std::string& name) const {
    for (const auto& a : bob_->snapshot()->alarms)
      if (a.name == name) return a;
    return std::nullopt;
  }
  std::size_t said(service::Node& node, const std::string& text) const {
    const auto log = node.log_since(0, 4096);
    return static_cast<std::size_t>(std::count_if(
        log.begin(), log.end(), [&](const auto& l) { return l.value.text.find(text) != std::string::npos; }));
  }

  Folder folder_;
  std::array<StubStage*, 3> stages_{};
  std::unique_ptr<service::Node> alice_, bob_;
};

TEST_F(TrackedNodes, SayThatAPlateSticksUntilItTurnsAgain) {
  start();
  run(3);
  EXPECT_FALSE(alarm("plates-not-following"));
  stages_[1]->stuck = true;
  for (int i = 0; i < 10 && !alarm("plates-not-following"); ++i) run(1);
  ASSERT_TRUE(alarm("plates-not-following"));
  EXPECT_TRUE(bob_->snapshot()->tracking->not_following);
  stages_[1]->stuck = false;
  for (int i = 0; i < 20 && alarm("plates-not-following"); ++i) run(1);
  EXPECT_FALSE(alarm("plates-not-following")) << "its cause is gone";
}

TEST_F(TrackedNodes, LatchTheAlarmOfAnExcessThatStays) {
  start("intercept-resend:0.2");
  run(3);
  const auto a = alarm("qber-excess");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->severity, service::Severity::critical);
  EXPECT_NE(a->what.find("QBER excess that compensation did not remove"), std::string::npos) << a->what;
  bob_->submit({service::Command::Kind::acknowledge, 0, "qber-excess", "test"});
  run(1);
  EXPECT_TRUE(alarm("qber-excess")) << "what stays is told again";
}

TEST_F(TrackedNodes, DoNotWaitAfterFailuresWhileThereIsSomethingToTry) {
  start("intercept-resend");
  run(6);
  const auto tracks = bob_->tracks_since(0, 16);
  ASSERT_EQ(tracks.size(), 6U);
  std::size_t turned = 0;
  for (std::size_t i = 2; i < 6; ++i) turned += tracks[i].value.worth_another_try() ? 1U : 0U;
  EXPECT_GT(turned, 0U);
  const std::string line = "the peer has turned his plates";
  for (int i = 0; i < 6000 && said(*alice_, line) < turned; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // his last word is on the wire
  EXPECT_EQ(said(*alice_, line), turned);
}

}  // namespace
}  // namespace nicol::test
