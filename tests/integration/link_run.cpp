// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/link_run.hpp"

#include <stdexcept>

#include "controller/app/setup.hpp"
#include "tests/integration/program.hpp"
#include "tests/support/proxy.hpp"

namespace nicol::test {
namespace {

using namespace std::chrono_literals;

template <class T>
T must(Result<T> r) {
  if (!r) throw std::runtime_error(describe(r.error()));
  return std::move(r).value();
}

app::SimulatedNode half(const LinkRunOptions& o, session::Side side, const Folder& folder) {
  app::SimulatedNode n;
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

LinkRun run_link(const LinkRunOptions& options) {
  const Folder folder;
  keystore::PresharedKeyPlan plan;
  plan.plan = app::agreement_of(options.scenario).pools;
  if (auto r = keystore::write_preshared_key(folder / "preshared.key", plan); !r)
    throw std::runtime_error(describe(r.error()));

  const app::SimulatedNode alice_half = half(options, session::Side::alice, folder);
  auto rig = must(app::make_rig(alice_half));
  const sim::EveRecord* notebook = sim::eve_record(*rig);
  auto alice = must(app::make_node(alice_half, {}, std::move(rig)));
  FrameProxy tap(alice->listen_port());
  app::SimulatedNode bob_half = half(options, session::Side::bob, folder);
  bob_half.endpoint.port = std::to_string(tap.port());
  auto bob = must(app::make_node(bob_half, {}));

  bob->submit({service::Command::Kind::run, options.blocks, "", "test"});
  alice->submit({service::Command::Kind::run, options.blocks, "", "test"});
  if (!alice->wait(300s) || !bob->wait(10s))
    throw std::runtime_error("the run did not end: " + alice->snapshot()->last_error + bob->snapshot()->last_error);
  alice->stop();
  bob->stop();

  LinkRun run;
  run.alice = results(*alice);
  run.bob = results(*bob);
  for (auto& r : tap.records()) run.frames.push_back({r.direction, std::move(r.frame)});
  if (notebook != nullptr) run.notes = notebook->notes;
  for (const auto& key : alice->store().keys()) run.splits.push_back(key.split);
  run.alice_keys = deliver_all(alice->store());
  run.bob_keys = deliver_all(bob->store());
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
