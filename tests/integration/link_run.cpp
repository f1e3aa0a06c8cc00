// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/link_run.hpp"

#include <stdexcept>

#include "controller/app/setup.hpp"
#include "tests/integration/program.hpp"
#include "tests/support/must.hpp"
#include "tests/support/proxy.hpp"

namespace nicol::test {
namespace {

using namespace std::chrono_literals;

app::NodeSetup half(const LinkRunOptions& o, session::Side side, const Folder& folder) {
  app::NodeSetup n;
  n.side = side;
  n.world.scenario = o.scenario;
  n.world.seed = o.seed;
  n.world.eve = o.eve;
  n.world.light = folder / "light.sock";
  n.preshared_key = folder / "preshared.key";
  n.state = folder / (side == session::Side::alice ? "alice" : "bob");
  n.endpoint = {"127.0.0.1", "0"};
  if (side == session::Side::bob) n.peer_role = service::PeerRole::connect;
  return n;
}

std::vector<session::BlockResult> results(const service::Node& node) {
  std::vector<session::BlockResult> out;
  for (auto& b : node.blocks_since(0, 100'000)) out.push_back(std::move(b.value));
  return out;
}

std::vector<secret::PublicBits> deliver_all(keystore::KeyStore& store) {
  std::vector<secret::PublicBits> out;
  for (const auto& key : store.keys()) {
    if (key.bits == 0) continue;  // all of it went into the pools
    const auto secret_key = must(store.deliver(key.id));
    secret::PublicBits all(secret_key.bits().size());
    out.push_back(secret_key.bits().disclose(all.complement()));
  }
  return out;
}

}  // namespace

LiveLink::LiveLink(const LinkRunOptions& options, const Folder& folder) {
  keystore::PresharedKeyPlan plan;
  plan.plan = app::agreement_of(options.scenario).pools;
  if (auto r = keystore::write_preshared_key(folder / "preshared.key", plan); !r)
    throw std::runtime_error(describe(r.error()));
  const app::NodeSetup alice_half = half(options, session::Side::alice, folder);
  auto rig = must(app::make_rig(alice_half, {}));
  notebook_ = sim::eve_record(*rig);
  alice_ = must(app::make_node(alice_half, {}, std::move(rig)));
  tap_ = std::make_unique<FrameProxy>(alice_->listen_port());
  app::NodeSetup bob_half = half(options, session::Side::bob, folder);
  bob_half.endpoint.port = std::to_string(tap_->port());
  bob_ = must(app::make_node(bob_half, {}));
}

LiveLink::~LiveLink() { stop(); }

void LiveLink::run(std::uint64_t blocks) {
  bob_->submit({service::Command::Kind::run, blocks, "", "test"});
  alice_->submit({service::Command::Kind::run, blocks, "", "test"});
  if (alice_->wait(300s) && bob_->wait(10s)) return;
  throw std::runtime_error("the run did not end: " + alice_->snapshot()->last_error + bob_->snapshot()->last_error);
}

void LiveLink::stop() {
  alice_->stop();
  bob_->stop();
}

std::vector<WireFrame> LiveLink::frames() const {
  std::vector<WireFrame> out;
  for (auto& r : tap_->records()) out.push_back({r.direction, std::move(r.frame)});
  return out;
}

LinkRun run_link(const LinkRunOptions& options) {
  const Folder folder;
  LiveLink link(options, folder);
  link.run(options.blocks);
  link.stop();
  LinkRun run;
  run.alice = results(link.alice());
  run.bob = results(link.bob());
  run.frames = link.frames();
  run.notes = link.notes();
  for (const auto& key : link.alice().store().keys()) run.splits.push_back(key.split);
  run.alice_keys = deliver_all(link.alice().store());
  run.bob_keys = deliver_all(link.bob().store());
  return run;
}

sim::Scenario small_teaching(double sifted_bits) {
  sim::Scenario s = must(sim::load_scenario("teaching"));
  const auto link = sim::expect(s);
  const double per_slot = (link.sifted_per_slot[0] + link.sifted_per_slot[1]) * link.kept_per_slot;
  s.protocol.block_slots = static_cast<std::uint64_t>(sifted_bits / per_slot);
  return s;
}

}  // namespace nicol::test
