// SPDX-License-Identifier: Apache-2.0
// Cables of real drivers pulled in the midst of a block: light stops, people are told, the cable comes back (under
// another name, as the kernel does it), and the same block ends in a key.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "controller/app/pair.hpp"
#include "tests/integration/program.hpp"
#include "tests/support/emulated_rig.hpp"
#include "tests/support/must.hpp"

namespace nicol::test {
namespace {

using service::NodeState;
using session::Side;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kPatience{60};

/// Both nodes on emulated rigs in this process, in real time.
class EmulatedPair {
 public:
  EmulatedPair() {
    const std::filesystem::path scenario = std::filesystem::path(NICOL_SOURCE_DIR) / "sim/scenario/emulated.toml";
    write_file(folder_ / "short.toml", read_file(scenario));
    edit_file(folder_ / "short.toml", "block_slots = 65_000_000", "block_slots = 40_000_000");
    app::Pair pair = must(app::pair_in(folder_ / "state", (folder_ / "short.toml").string()));
    if (auto r = app::tie_together(pair, {5, "none", "1"}); !r) throw std::runtime_error(describe(r.error()));
    app::Hooks hooks;
    hooks.rig = [this](const app::NodeSetup& node) { return lab_.rig(node); };
    alice_ = must(app::make_node(pair.alice, hooks));
    pair.bob.endpoint.port = std::to_string(alice_->listen_port());
    bob_ = must(app::make_node(pair.bob, hooks));
    bob_->submit({service::Command::Kind::run, 0, "", "test"});
  }

  EmulatedLab& lab() { return lab_; }
  service::Node& of(Side side) { return side == Side::alice ? *alice_ : *bob_; }

  template <class F>
  void wait_for(const std::string& what, F&& true_now) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (!true_now()) {
      if (std::chrono::steady_clock::now() > until) throw std::runtime_error("no " + what);
      std::this_thread::sleep_for(milliseconds(5));
    }
  }
  void reach_midblock() {
    alice_->submit({service::Command::Kind::run, 1, "", "test"});
    wait_for("middle of a block", [&] { return bob_->snapshot()->slots_done > 10'000'000; });
  }
  void wait_for_pause(Side side) {
    wait_for("pause", [&] { return of(side).snapshot()->state == NodeState::paused; });
  }
  bool has_alarm(Side side, const std::string& name) {
    const auto s = of(side).snapshot();
    return std::any_of(s->alarms.begin(), s->alarms.end(), [&](const auto& a) { return a.name == name; });
  }
  void expect_key_from_the_same_block() {
    ASSERT_TRUE(alice_->wait(kPatience)) << alice_->snapshot()->session_state;
    const auto blocks = alice_->blocks_since(0, 16);
    ASSERT_EQ(blocks.size(), 1U);
    EXPECT_EQ(blocks[0].value.status, session::BlockStatus::key) << blocks[0].value.detail;
    for (const auto& sample : blocks[0].value.facts.sample)  // no slot of the glitch has become a click
      EXPECT_LT(static_cast<double>(sample.errors), 0.04 * static_cast<double>(sample.bits));
  }

 private:
  const Folder folder_;
  EmulatedLab lab_;
  std::unique_ptr<service::Node> alice_, bob_;  // before their lab
};

TEST(AnUnpluggedMount, PausesTheBlockAndGoesOnAtAnotherPort) {
  EmulatedPair pair;
  pair.reach_midblock();
  pair.lab().mounts().unplug();
  pair.wait_for_pause(Side::bob);
  EXPECT_TRUE(pair.has_alarm(Side::bob, "device-unplugged"));
  pair.lab().mounts().replug("ttyEMU7");
  pair.expect_key_from_the_same_block();
  EXPECT_FALSE(pair.has_alarm(Side::bob, "device-unplugged"));
}

TEST(AnUnpluggedSource, PausesTheBlockAndGoesOnWhenItIsBack) {
  EmulatedPair pair;
  pair.reach_midblock();
  pair.lab().board(Side::alice).unplug();
  pair.wait_for_pause(Side::alice);
  EXPECT_TRUE(pair.has_alarm(Side::alice, "device-unplugged"));
  pair.lab().board(Side::alice).replug("1-4");
  pair.expect_key_from_the_same_block();
}

TEST(AnUnpluggedTagger, PausesTheBlockAndCountsOnFromWhereLightGoesOn) {
  EmulatedPair pair;
  pair.reach_midblock();
  pair.lab().board(Side::bob).unplug();
  pair.wait_for_pause(Side::bob);
  pair.lab().board(Side::bob).replug("1-5");
  pair.expect_key_from_the_same_block();
}

}  // namespace
}  // namespace nicol::test
