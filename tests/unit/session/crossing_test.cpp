// SPDX-License-Identifier: Apache-2.0
// Whatever crosses whatever on the wire: two honest nodes that pause, go on, close and hear each other late never take
// one another for an attacker, and their block ends.
#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "controller/session/machine.hpp"
#include "tests/unit/session/two_nodes.hpp"

namespace nicol::test {
namespace {

using session::BlockReason;
using session::PauseReason;

constexpr std::uint64_t kDivider = 100;

/// Two rigs as the service drives them, and a wire on which either direction may be slow.
class CrossingWire : public testing::TestWithParam<unsigned> {
 protected:
  CrossingWire() : coin_(GetParam()) {
    nodes_.drive_light = false;
    nodes_.connect();
    nodes_.line = [this](Bytes frame) {
      wire_[header_of(frame).direction == Direction::a_to_b ? 1 : 0].push_back(std::move(frame));
      return std::vector<Bytes>{};
    };
  }
  std::uint64_t draw(std::uint64_t below) { return coin_() % below; }
  bool one_in(std::uint64_t n) { return draw(n) == 0; }
  session::Session& alice() { return *nodes_.alice().session; }
  session::Session& bob() { return *nodes_.bob().session; }
  std::uint64_t slots() const { return nodes_.model.slots; }

  /// One block; false when it did not end.
  bool block() {
    lights_[0] = lights_[1] = {};
    for (const Side side : {Side::alice, Side::bob}) {
      Node& n = nodes_.node(side);
      n.results.clear();
      n.pauses.clear();
      n.prepares.clear();
      n.resumes.clear();
    }
    nodes_.apply(Side::alice, alice().open_block());
    for (int i = 0; i < 20'000; ++i) {
      if (!nodes_.alice().results.empty() && !nodes_.bob().results.empty() && wire_[0].empty() && wire_[1].empty())
        return true;
      step();
      if (nodes_.alice().closed || nodes_.bob().closed) return true;
    }
    return false;
  }

 private:
  struct Light {
    bool open = false, paused = false, offered = false;
    std::uint64_t slot = 0;  // emitted; complete
    std::size_t pauses = 0, prepares = 0, resumes = 0;
  };
  void step() {
    const std::uint64_t what = draw(6);
    if (what < 2) return deliver(0);
    if (what < 4) return deliver(1);
    what == 4 ? drive_alice() : drive_bob();
  }
  void deliver(std::size_t to) {
    if (wire_[to].empty()) return;
    const Bytes frame = std::move(wire_[to].front());
    wire_[to].pop_front();
    const Side side = to == 0 ? Side::alice : Side::bob;
    nodes_.deadlines.advance(std::chrono::microseconds(10));
    nodes_.apply(side, nodes_.node(side).session->on_frame(frame));
    hear(side);
  }
  void hear(Side side) {
    Node& n = nodes_.node(side);
    Light& light = lights_[side == Side::alice ? 0 : 1];
    light.open = light.open || (side == Side::alice && alice().state_name() == "emitting");
    if (n.pauses.size() > light.pauses) light.paused = light.open;
    if (n.resumes.size() > light.resumes) {
      light.slot = n.resumes.back().first_slot;
      light.paused = light.offered = false;
    }
    if (n.prepares.size() > light.prepares) light.offered = true;
    light.pauses = n.pauses.size();
    light.prepares = n.prepares.size();
    light.resumes = n.resumes.size();
  }
  void drive_alice() {
    Light& light = lights_[0];
    if (!light.open) return;
    if (light.paused) {
      if (light.offered) return;
      light.offered = true;
      return nodes_.apply(Side::alice,
                          alice().resume(std::min((light.slot + kDivider - 1) / kDivider * kDivider, slots())));
    }
    if (one_in(8)) {
      nodes_.apply(Side::alice, alice().pause(light.slot, PauseReason::unplugged));
      light.paused = alice().light_paused();
      light.offered = false;
      if (!light.paused) light.slot = slots();
      return;
    }
    light.slot = std::min(light.slot + draw(slots() / 8), slots());
    if (light.slot < slots()) return;
    light.open = false;
    nodes_.apply(Side::alice, alice().emission_finished(std::move(clicks().prepared), slots()));
  }
  void drive_bob() {
    Light& light = lights_[1];
    if (bob().state_name() == "arming the receiver") {
      clicks_.emplace(simulate_link(nodes_.model, coin_()));
      light.open = true;
      return nodes_.apply(Side::bob, bob().receiver_ready());
    }
    if (!light.open) return;
    if (light.paused) {
      if (!std::exchange(light.offered, false)) return;
      light.slot = nodes_.bob().prepares.back().first_slot;
      nodes_.apply(Side::bob, bob().resumed());
      light.paused = false;
      return;
    }
    if (light.slot < slots() && one_in(8)) {
      nodes_.apply(Side::bob, bob().pause(light.slot, PauseReason::overflow));
      light.paused = true;
      return;
    }
    // Light of slots that she emitted; at the block's end he goes by time alone.
    const std::uint64_t shown = lights_[0].slot + slots() / 8 >= slots() ? slots() : lights_[0].slot;
    light.slot = std::max(light.slot, std::min(light.slot + draw(slots() / 8), shown));
    nodes_.apply(Side::bob, bob().hint(light.slot, {}));
    if (light.slot < slots()) return;
    light.open = false;
    nodes_.apply(Side::bob, bob().detection_finished({std::move(clicks().received), {}}));
  }
  LinkClicks& clicks() { return *clicks_; }

 protected:
  TwoNodes nodes_;

 private:
  std::mt19937_64 coin_;
  std::array<std::deque<Bytes>, 2> wire_;  // to Alice, to Bob
  std::array<Light, 2> lights_;
  std::optional<LinkClicks> clicks_;
};

TEST_P(CrossingWire, MakesNoAttackOfWhatHonestNodesSay) {
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(block()) << alice().state_name() << ", " << bob().state_name();
    for (const Side side : {Side::alice, Side::bob})
      ASSERT_FALSE(nodes_.node(side).closed.has_value()) << nodes_.node(side).closed->why;
    for (const Side side : {Side::alice, Side::bob}) {
      Node& n = nodes_.node(side);
      ASSERT_EQ(n.results.size(), 1U);
      EXPECT_NE(n.results[0].reason, BlockReason::authentication) << n.results[0].detail;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seed, CrossingWire, testing::Range(1U, 9U));

}  // namespace
}  // namespace nicol::test
