// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/pausable_nodes.hpp"

#include <algorithm>

#include "controller/app/setup.hpp"

namespace nicol::test {

using service::NodeState;
using session::BlockStatus;

PausableNodes::PausableNodes(const Options& options) : link_(block_of(kSlots)) {
  edit_file(link_.file("small.toml"), "[tagger]",
            "[compensator]\ntype = \"quarter-half-quarter\"\n[compensator.motor]\nspeed_dps = 430\n\n[tagger]");
  edit_file(link_.file("small.toml"), "[channel]", "[channel]\n" + options.scenario);
  alice_ = node(Side::alice, options);
  bob_ = node(Side::bob, options);
  bob_->submit({service::Command::Kind::run, 0, "", "test"});
}

LinkUnderTest::Options PausableNodes::block_of(std::uint64_t slots) {
  LinkUnderTest::Options o;
  o.block_slots = slots;
  o.reply_timeout = o.light_timeout = std::chrono::seconds(60);  // a busy machine is no silent peer
  return o;
}

std::unique_ptr<service::Node> PausableNodes::node(Side side, const Options& options) {
  const auto config = must(service::load_config(link_.config(side)));
  secret::set_memory_policy(config.memory_policy());
  app::NodeSetup setup = must(app::node_from_config(config));
  setup.world.seed = 11;
  setup.world.speed = 0.25;  // a block lasts some seconds: time to pull a cable on a busy machine
  service::NodeParts parts;
  parts.rig = must(app::make_rig(setup, {}));
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
  parts.store = must(keystore::KeyStore::open(setup.state, setup.preshared_key, std::move(store)));
  if (options.recorded) parts.recording = must(record(side));
  parts.random = make_seeded_random(11, side == Side::alice ? NodeId::alice : NodeId::bob);
  return must(service::Node::create(std::move(o), std::move(parts)));
}

Result<std::unique_ptr<recording::Writer>> PausableNodes::record(Side side) {
  const auto key = link_.file("seal.key");
  if (!std::filesystem::exists(key)) {
    if (auto made = recording::make_seal_key(key); !made) return std::move(made).error();
  }
  const auto secret = recording::read_seal_key(key);
  if (!secret) return secret.error();
  const bool alice = side == Side::alice;
  return recording::Writer::create(link_.file(alice ? "alice.recording" : "bob.recording"),
                                   alice ? recording::Node::alice : recording::Node::bob, *secret);
}

void PausableNodes::note_devices(const hal::Rig& rig) {
  if (auto* d = rig.find<sim::FourStateSource>("source")) source_ = d;
  if (auto* d = rig.find<sim::HeraldTagger>("tagger")) heralds_ = d;
  if (auto* d = rig.find<sim::ReceiverTagger>("tagger")) tagger_ = d;
  if (auto* d = rig.find<sim::Motor>("compensator-1")) plate_ = d;
  if (auto* d = rig.find<sim::Detector>("detector-0")) detector_ = d;
}

std::string PausableNodes::states() const {
  return "alice " + alice_->snapshot()->session_state + ", bob " + bob_->snapshot()->session_state;
}

void PausableNodes::reach_midblock() {
  open_block();
  wait_for("the middle of a block", [&] {
    const auto s = bob_->snapshot();
    return s->state == NodeState::running && s->slots_done > kSlots / 4;
  });
}

void PausableNodes::wait_for_state(NodeState alice, NodeState bob) {
  wait_for("pause", [&] { return alice_->snapshot()->state == alice && bob_->snapshot()->state == bob; });
}

session::BlockResult PausableNodes::result() {
  if (!alice_->wait(kPatience)) throw std::runtime_error("no block: " + states());
  auto all = alice_->blocks_since(0, 1024);
  if (all.empty()) throw std::runtime_error("no result");
  return std::move(all.back().value);
}

bool PausableNodes::has_alarm(Side side, const std::string& name) {
  const auto s = of(side).snapshot();
  return std::any_of(s->alarms.begin(), s->alarms.end(), [&](const auto& a) { return a.name == name; });
}

std::string PausableNodes::advice(Side side, const std::string& name) {
  for (const auto& a : of(side).snapshot()->alarms)
    if (a.name == name) return a.what_to_do;
  return {};
}

std::uint64_t PausableNodes::pads() {
  std::uint64_t bits = 0;
  for (const auto& pool : alice_->snapshot()->pools)
    if (pool.pool == keystore::Pool::auth_ab || pool.pool == keystore::Pool::auth_ba) bits += pool.available();
  return bits;
}

void PausableNodes::stop() {
  alice_.reset();
  bob_.reset();
}

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

}  // namespace nicol::test
