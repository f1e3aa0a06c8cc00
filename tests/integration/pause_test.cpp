// SPDX-License-Identifier: Apache-2.0
// Cables are pulled in the midst of a block: the run pauses, says what to do, and goes on with the same block once they
// are back. Two whole nodes on simulated light in real time; the test pulls the cables.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "controller/app/setup.hpp"
#include "controller/session/link.hpp"
#include "controller/session/messages.hpp"
#include "sim/devices/four_state_source.hpp"
#include "sim/devices/herald_tagger.hpp"
#include "sim/devices/receiver_tagger.hpp"
#include "tests/integration/link_under_test.hpp"

namespace nicol::test {
namespace {

using service::NodeState;
using session::BlockReason;
using session::BlockStatus;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kPatience{60};
constexpr std::uint64_t kSlots = 15'000'000;

struct Options {
  service::Consent consent = service::Consent::given;
  milliseconds pause_patience{60'000};
};

template <class T>
T expect(Result<T> result) {
  if (!result) throw std::runtime_error(describe(result.error()));
  return std::move(result).value();
}

/// Both nodes in this process, and a hand on every cable.
class PausableNodes {
 public:
  explicit PausableNodes(const Options& options = {}) : link_(block_of(kSlots)) {
    edit_file(link_.file("small.toml"), "[tagger]",
              "[compensator]\ntype = \"quarter-half-quarter\"\n[compensator.motor]\nspeed_dps = 430\n\n[tagger]");
    alice_ = node(Side::alice, options);
    bob_ = node(Side::bob, options);
    bob_->submit({service::Command::Kind::run, 0, "", "test"});
  }
  service::Node& alice() { return *alice_; }
  service::Node& bob() { return *bob_; }
  service::Node& of(Side side) { return side == Side::alice ? *alice_ : *bob_; }
  sim::FourStateSource& source() { return *source_; }
  sim::HeraldTagger& heralds() { return *heralds_; }
  sim::ReceiverTagger& tagger() { return *tagger_; }
  sim::Motor& plate() { return *plate_; }
  LinkUnderTest& link() { return link_; }
  /// Bob's first detector is on, or has counted.
  bool eyes_were_open() const { return detector_->enabled() || tagger_->click_rate(0).value > 0; }

  void open_block() { alice_->submit({service::Command::Kind::run, 1, "", "test"}); }
  /// A block is open and a good part of it is detected.
  void reach_midblock() {
    open_block();
    wait_for("the middle of a block", [&] {
      const auto s = bob_->snapshot();
      return s->state == NodeState::running && s->slots_done > kSlots / 4;
    });
  }
  template <class F>
  void wait_for(const std::string& what, F&& true_now) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (!true_now()) {
      if (std::chrono::steady_clock::now() > until)
        throw std::runtime_error("no " + what + "; alice " + alice_->snapshot()->session_state + ", bob " +
                                 bob_->snapshot()->session_state);
      std::this_thread::sleep_for(milliseconds(5));
    }
  }
  void wait_for_state(NodeState alice, NodeState bob) {
    wait_for("pause", [&] { return alice_->snapshot()->state == alice && bob_->snapshot()->state == bob; });
  }
  session::BlockResult result() {
    if (!alice_->wait(kPatience))
      throw std::runtime_error("no block: alice " + alice_->snapshot()->session_state + ", bob " +
                               bob_->snapshot()->session_state);
    auto all = alice_->blocks_since(0, 1024);
    if (all.empty()) throw std::runtime_error("no result");
    return std::move(all.back().value);
  }
  bool has_alarm(Side side, const std::string& name) {
    const auto s = of(side).snapshot();
    return std::any_of(s->alarms.begin(), s->alarms.end(), [&](const auto& a) { return a.name == name; });
  }
  std::string advice(Side side, const std::string& name) {
    for (const auto& a : of(side).snapshot()->alarms)
      if (a.name == name) return a.what_to_do;
    return {};
  }
  /// Both stores closed.
  void stop() {
    alice_.reset();
    bob_.reset();
  }

 private:
  static LinkUnderTest::Options block_of(std::uint64_t slots) {
    LinkUnderTest::Options o;
    o.block_slots = slots;
    return o;
  }
  std::unique_ptr<service::Node> node(Side side, const Options& options) {
    const auto config = expect(service::load_config(link_.config(side)));
    secret::set_memory_policy(config.memory_policy());
    app::NodeSetup setup = expect(app::node_from_config(config));
    setup.world.seed = 11;
    setup.world.speed = 1;
    service::NodeParts parts;
    parts.rig = expect(app::make_rig(setup, {}));
    note_devices(*parts.rig);
    service::NodeOptions o;
    o.session.side = side;
    o.session.agreement = app::agreement_of(setup.world.scenario);
    o.session.receiver = parts.rig->receiver;
    o.session.model = parts.rig->model;
    o.session.reply_timeout = setup.reply_timeout;
    o.session.light_timeout = setup.light_timeout;
    o.session.pause_patience = options.pause_patience;
    o.consent = options.consent;
    o.peer_role = setup.peer_role;
    o.endpoint = setup.endpoint;
    keystore::StoreOptions store;
    store.plan = o.session.agreement.pools;
    parts.store = expect(keystore::KeyStore::open(setup.state, setup.preshared_key, std::move(store)));
    parts.random = make_seeded_random(11, side == Side::alice ? NodeId::alice : NodeId::bob);
    return expect(service::Node::create(std::move(o), std::move(parts)));
  }
  void note_devices(const hal::Rig& rig) {
    if (auto* d = rig.find<sim::FourStateSource>("source")) source_ = d;
    if (auto* d = rig.find<sim::HeraldTagger>("tagger")) heralds_ = d;
    if (auto* d = rig.find<sim::ReceiverTagger>("tagger")) tagger_ = d;
    if (auto* d = rig.find<sim::Motor>("compensator-1")) plate_ = d;
    if (auto* d = rig.find<sim::Detector>("detector-0")) detector_ = d;
  }

  LinkUnderTest link_;
  sim::FourStateSource* source_ = nullptr;
  sim::HeraldTagger* heralds_ = nullptr;
  sim::ReceiverTagger* tagger_ = nullptr;
  sim::Motor* plate_ = nullptr;
  sim::Detector* detector_ = nullptr;
  std::unique_ptr<service::Node> alice_, bob_;
};

void expect_good_key(PausableNodes& nodes) {
  const session::BlockResult r = nodes.result();
  EXPECT_EQ(r.status, BlockStatus::key) << r.detail;
  for (const auto& sample : r.facts.sample) {
    ASSERT_GT(sample.bits, 0U);
    EXPECT_LT(static_cast<double>(sample.errors) / static_cast<double>(sample.bits), 0.03);
  }
  const auto bobs = nodes.bob().blocks_since(0, 8);
  ASSERT_EQ(bobs.size(), 1U) << "the block is the one that was paused";
  EXPECT_EQ(bobs[0].value.secret_bits, r.secret_bits);
  nodes.stop();
  EXPECT_TRUE(stores_agree(nodes.link(), Compare::keys_and_pools));
}

/// Pulls a cable in mid-block, sees both nodes wait, and puts it back.
template <class Device>
void pull_and_put_back(PausableNodes& nodes, Device& device, Side side, const char* serial) {
  nodes.reach_midblock();
  device.unplug();
  nodes.wait_for_state(NodeState::paused, NodeState::paused);
  nodes.wait_for("alarm", [&] { return nodes.has_alarm(side, "device-unplugged"); });
  EXPECT_NE(nodes.advice(side, "device-unplugged").find(std::string("Plug in ")), std::string::npos);
  EXPECT_NE(nodes.advice(side, "device-unplugged").find(serial), std::string::npos);
  EXPECT_NE(nodes.advice(side, "device-unplugged").find("The block waits."), std::string::npos);
  const auto pause = nodes.of(side).snapshot()->pause;
  ASSERT_TRUE(pause.has_value());
  EXPECT_EQ(pause->serial, serial);
  const std::uint64_t emitted = nodes.alice().snapshot()->slots_done;
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_EQ(nodes.alice().snapshot()->slots_done, emitted) << "light while the block is paused";
  EXPECT_LT(emitted, kSlots);
  device.replug();
}

TEST(APulledCable, OfBobsTaggerPausesTheBlockWhichThenMakesItsKey) {
  PausableNodes nodes;
  pull_and_put_back(nodes, nodes.tagger(), Side::bob, "bob-tagger");
  expect_good_key(nodes);
}

TEST(APulledCable, OfAlicesTaggerPausesTheBlockWhichThenMakesItsKey) {
  PausableNodes nodes;
  pull_and_put_back(nodes, nodes.heralds(), Side::alice, "alice-tagger");
  expect_good_key(nodes);
}

TEST(APulledCable, OfTheSourcePausesTheBlockWhichThenMakesItsKey) {
  PausableNodes nodes;
  pull_and_put_back(nodes, nodes.source(), Side::alice, "source-0");
  expect_good_key(nodes);
}

TEST(APulledCable, OfACompensatorPlatePausesTheBlockWhichIsHomedAndGoesOn) {
  PausableNodes nodes;
  pull_and_put_back(nodes, nodes.plate(), Side::bob, "compensator-1");
  expect_good_key(nodes);
}

TEST(APulledCable, ClearsItsAlarmWhenItIsBack) {
  PausableNodes nodes;
  pull_and_put_back(nodes, nodes.tagger(), Side::bob, "bob-tagger");
  nodes.wait_for("all well", [&] { return !nodes.has_alarm(Side::bob, "device-unplugged"); });
  expect_good_key(nodes);
}

TEST(APulledCable, PutBackBeforeAnybodyLookedStillMakesAGoodKey) {
  PausableNodes nodes;
  nodes.reach_midblock();
  for (int i = 0; i < 3; ++i) {
    nodes.tagger().unplug();
    nodes.tagger().replug();
    nodes.source().unplug();
    nodes.source().replug();
    std::this_thread::sleep_for(milliseconds(200));
  }
  expect_good_key(nodes);
}

TEST(APlateThatWasKnocked, IsSetAgainAndNoBitOfItsTimeIsKept) {
  PausableNodes nodes;
  nodes.reach_midblock();
  auto moved = nodes.plate().move_absolute(Angle::degrees(30));
  ASSERT_TRUE(moved.ok()) << describe(moved.error());
  expect_good_key(nodes);
}

std::span<const std::uint8_t> body_of(const Record& record, std::size_t trailer = 0) {
  const auto all = std::span<const std::uint8_t>(record.frame);
  return all.subspan(session::kHeaderBytes + session::kStampBytes,
                     all.size() - session::kHeaderBytes - session::kStampBytes - trailer);
}

/// The stretches that the wire shows as in doubt: from the least slot of the PAUSEs to the RESUME that followed.
std::vector<detection::SlotRange> in_doubt(const std::vector<Record>& records) {
  std::vector<detection::SlotRange> out;
  std::uint64_t from = kSlots;
  for (const Record& r : records) {
    if (r.type == FrameType::pause) from = std::min(from, expect(session::decode_pause(body_of(r), kSlots)).from_slot);
    if (r.type != FrameType::resume) continue;
    out.push_back({from, expect(session::decode_resume(body_of(r), kSlots)).first_slot});
    from = kSlots;
  }
  return out;
}

bool covered(const detection::SlotRange& range, const std::vector<detection::SlotRange>& by) {
  return std::any_of(by.begin(), by.end(), [&](const auto& r) { return r.begin <= range.begin && range.end <= r.end; });
}

/// Bob's list says they are dropped, so neither side has a bit of them.
void expect_dropped_on_both_sides(PausableNodes& nodes) {
  EXPECT_EQ(nodes.result().status, BlockStatus::key);
  const auto records = nodes.link().proxy().records();
  const auto doubts = in_doubt(records);
  ASSERT_FALSE(doubts.empty());
  const auto list =
      std::find_if(records.begin(), records.end(), [](const Record& r) { return r.type == FrameType::detections; });
  ASSERT_NE(list, records.end());
  const auto d = expect(session::decode_detections(body_of(*list, 8), kSlots));
  for (const auto& range : doubts) {
    EXPECT_LT(range.begin, range.end);
    EXPECT_TRUE(covered(range, d.dropped)) << range.begin << ".." << range.end;
    const auto first = std::lower_bound(d.slots.begin(), d.slots.end(), range.begin);
    EXPECT_TRUE(first == d.slots.end() || *first >= range.end);
  }
}

TEST(APausedBlock, DropsOnBothSidesWhatAStageDidNotConfirm) {
  PausableNodes nodes;
  pull_and_put_back(nodes, nodes.plate(), Side::bob, "compensator-1");
  expect_dropped_on_both_sides(nodes);
}

TEST(APausedBlock, DropsOnBothSidesWhatTheSourceDidNotConfirm) {
  PausableNodes nodes;
  pull_and_put_back(nodes, nodes.source(), Side::alice, "source-0");
  expect_dropped_on_both_sides(nodes);
}

TEST(APausedBlock, BeyondItsPatienceIsAbortedForTheDeviceAndTheNextOneWorks) {
  Options options;
  options.pause_patience = milliseconds(700);
  PausableNodes nodes(options);
  nodes.reach_midblock();
  nodes.tagger().unplug();
  const session::BlockResult r = nodes.result();
  EXPECT_EQ(r.status, BlockStatus::aborted);
  EXPECT_EQ(r.reason, BlockReason::device) << r.detail;
  nodes.tagger().replug();
  nodes.open_block();
  EXPECT_EQ(nodes.result().status, BlockStatus::key);
  EXPECT_EQ(nodes.bob().blocks_since(0, 8).size(), 2U);
}

TEST(APausedBlock, StaysDarkWhenTheOperatorSwitchesLightOff) {
  PausableNodes nodes;
  nodes.reach_midblock();
  nodes.plate().unplug();
  nodes.wait_for_state(NodeState::paused, NodeState::paused);
  nodes.alice().light_off();
  nodes.plate().replug();
  nodes.wait_for("end of the block", [&] { return !nodes.alice().blocks_since(0, 8).empty(); });
  EXPECT_EQ(nodes.alice().blocks_since(0, 8)[0].value.reason, BlockReason::cancelled);
  EXPECT_EQ(nodes.source().light_level(), hal::LightLevel::off);
  EXPECT_EQ(*nodes.source().emission(), hal::EmissionState::off);
}

TEST(ASourceThatOnlyTheOperatorArms, IsNotArmedAgainByItself) {
  Options options;
  options.consent = service::Consent::operator_only;
  PausableNodes nodes(options);
  nodes.alice().submit({service::Command::Kind::arm, 0, "", "test"});
  nodes.reach_midblock();
  nodes.source().unplug();
  nodes.wait_for_state(NodeState::paused, NodeState::paused);
  nodes.source().replug();
  nodes.wait_for_state(NodeState::arm_wait, NodeState::paused);
  EXPECT_TRUE(nodes.has_alarm(Side::alice, "source-needs-arming"));
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_EQ(*nodes.source().emission(), hal::EmissionState::off);
  nodes.alice().submit({service::Command::Kind::arm, 0, "", "test"});
  expect_good_key(nodes);
}

TEST(ASourceThatNobodyHasArmed, OpensNoBlockAndSpendsNoPads) {
  Options options;
  options.consent = service::Consent::operator_only;
  PausableNodes nodes(options);
  nodes.open_block();
  nodes.wait_for("alarm", [&] { return nodes.has_alarm(Side::alice, "source-needs-arming"); });
  const auto pads = nodes.alice().snapshot()->pools;
  std::this_thread::sleep_for(milliseconds(1'500));
  EXPECT_TRUE(nodes.alice().blocks_since(0, 8).empty());
  EXPECT_EQ(nodes.alice().snapshot()->state, NodeState::arm_wait);
  for (std::size_t i = 0; i < pads.size(); ++i)
    EXPECT_EQ(nodes.alice().snapshot()->pools[i].available(), pads[i].available());
  nodes.alice().submit({service::Command::Kind::arm, 0, "", "test"});
  expect_good_key(nodes);
}

TEST(ANodeWhoseLightIsSwitchedOff, OpensNoEyesForABlockOfThePeers) {
  PausableNodes nodes;
  nodes.bob().light_off();
  nodes.open_block();
  EXPECT_EQ(nodes.result().status, BlockStatus::aborted);
  EXPECT_FALSE(nodes.eyes_were_open());
}

TEST(ARigWithACableOut, OpensNoBlockAndSaysWhy) {
  PausableNodes nodes;
  nodes.source().unplug();
  nodes.wait_for("alarm", [&] { return nodes.has_alarm(Side::alice, "device-unplugged"); });
  nodes.open_block();
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_TRUE(nodes.alice().blocks_since(0, 8).empty());
  nodes.source().replug();
  expect_good_key(nodes);
}

}  // namespace
}  // namespace nicol::test
