// SPDX-License-Identifier: Apache-2.0
// nicol run: both nodes in one process over a real loopback socket, light to stored key.
#include <fmt/format.h>

#include <charconv>

#include "controller/app/commands.hpp"
#include "controller/app/progress.hpp"
#include "controller/app/report.hpp"

namespace nicol::app {
namespace {

using namespace std::chrono_literals;

struct Pair {
  SimulatedNode alice, bob;
};

Result<double> parse_speed(const std::string& text) {
  if (text == "max") return 0.0;
  double v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error == std::errc() && end == text.data() + text.size() && v > 0) return v;
  return Error{Code::bad_input, fmt::format("--speed {}: expected \"max\" or a number above 0", text), "", 0, {}};
}

/// The two config files that `init` wrote, found from either of them.
Result<Pair> pair_from_config(const std::filesystem::path& file) {
  auto mine = service::load_config(file);
  if (!mine) return std::move(mine).error();
  const bool alice = mine->role == session::Side::alice;
  auto other = service::load_config(mine->file.parent_path() / (alice ? "bob.toml" : "alice.toml"));
  if (!other) return std::move(other).error();
  if (other->role == mine->role)
    return Error{Code::bad_input,
                 fmt::format("{}: node.role: expected \"{}\", two {}s cannot make a key", other->file.string(),
                             alice ? "bob" : "alice", alice ? "Alice" : "Bob"),
                 "",
                 0,
                 {}};
  auto first = node_from_config(alice ? *mine : *other);
  auto second = node_from_config(alice ? *other : *mine);
  if (!first) return std::move(first).error();
  if (!second) return std::move(second).error();
  return Pair{*std::move(first), *std::move(second)};
}

Result<Pair> pair_in(const std::filesystem::path& folder, const RunOptions& options) {
  auto scenario = sim::load_scenario(options.scenario);
  if (!scenario) return std::move(scenario).error();
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return Error{Code::io, fmt::format("{}: {}", folder.string(), failed.message()), "", failed.value(), {}};
  const auto key = folder / "preshared.key";
  if (!std::filesystem::exists(key)) {
    keystore::PresharedKeyPlan plan;
    plan.plan = agreement_of(*scenario).pools;
    if (auto r = keystore::write_preshared_key(key, plan); !r) return std::move(r).error();
  }
  Pair p;
  p.alice.side = session::Side::alice;
  p.bob.side = session::Side::bob;
  for (SimulatedNode* n : {&p.alice, &p.bob}) {
    n->world.scenario = *scenario;
    n->preshared_key = key;
    n->state = folder / (n == &p.alice ? "alice" : "bob");
    n->world.light = folder / "light.sock";
  }
  return p;
}

/// One seed, one loopback port, one Eve for both nodes of this process.
Result<void> tie_together(Pair& p, const RunOptions& options) {
  auto eve = sim::parse_eve(options.eve);
  if (!eve) return std::move(eve).error();
  auto speed = parse_speed(options.speed);
  if (!speed) return std::move(speed).error();
  const std::uint64_t seed = options.seed.value_or(os_random_word() >> 11);
  for (SimulatedNode* n : {&p.alice, &p.bob}) {
    n->world.seed = seed;
    n->world.eve = *eve;
    n->world.speed = *speed;
  }
  p.alice.peer_role = service::PeerRole::listen;
  p.bob.peer_role = service::PeerRole::connect;
  p.alice.endpoint = p.bob.endpoint = {"127.0.0.1", "0"};
  return {};
}

Result<void> check_memory(const Pair& p) {
  const std::size_t need = locked_need(p.alice.world.scenario, p.alice.clicks_per_block);
  const std::size_t limit = secret::locked_usage().limit;
  if (need <= limit) return {};
  return Error{Code::locked_memory,
               fmt::format("this run locks about {} KiB of memory for keys, this user may lock {} KiB: raise it with "
                           "\"ulimit -l {}\", LimitMEMLOCK= in the service, or a smaller limits.clicks_per_block",
                           need / 1024, limit / 1024, need / 1024 + 1),
               "",
               0,
               {}};
}

/// True when every key of Alice's is at Bob's, in the same state, bit for bit.
bool keys_match(keystore::KeyStore& alice, keystore::KeyStore& bob) {
  const auto a = alice.keys(), b = bob.keys();
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto twin = std::find_if(b.begin(), b.end(), [&](const auto& k) { return k.id == a[i].id; });
    if (twin == b.end() || twin->state != a[i].state || twin->check != a[i].check || twin->bits != a[i].bits)
      return false;
    if (a[i].state != keystore::KeyState::available) continue;
    const auto same = alice.same_key(bob, a[i].id);
    if (!same || !*same) return false;
  }
  return true;
}

void follow(service::Node& alice, service::Node& bob, std::uint64_t wanted, Context& context, RunReport& report) {
  Progress progress;
  std::uint64_t seen = 0;
  while (true) {
    const bool done = alice.wait(100ms);
    for (auto& b : alice.blocks_since(seen, 64)) {
      seen = b.sequence;
      if (context.output == Output::text) progress.line(block_line(b.value));
      report.blocks.push_back(std::move(b.value));
    }
    progress.show(*alice.snapshot());
    if (done || context.stop->requested()) break;
  }
  const auto last = alice.snapshot();
  report.simulated_s = last->rig_time.seconds();
  if (report.blocks.size() < wanted && !context.stop->requested()) report.stopped_because = last->last_error;
  if (!context.stop->requested()) bob.wait(5s);
  alice.stop();
  bob.stop();
}

}  // namespace

Exit run(const RunOptions& options, Context& context) {
  std::optional<ThrowAwayFolder> throw_away;
  Result<Pair> pair = Error{};
  if (!options.config.empty()) {
    pair = pair_from_config(options.config);
  } else if (!options.state.empty()) {
    pair = pair_in(options.state, options);
  } else {
    auto folder = ThrowAwayFolder::create();
    if (!folder) return complain(folder.error());
    throw_away.emplace(*std::move(folder));
    pair = pair_in(throw_away->path(), options);
  }
  if (!pair) return complain(pair.error());
  RunOptions effective = options;
  if (!options.config.empty() && !options.seed) effective.seed = pair->alice.world.seed;
  if (auto r = tie_together(*pair, effective); !r) return complain(r.error());
  if (auto r = check_memory(*pair); !r) return complain(r.error());
  if (context.talk == Talk::verbose) fmt::print(stderr, "{}", secret::describe(context.profile));
  fmt::print(stderr, "nicol: simulated light, scenario {}, seed {}\n", pair->alice.world.scenario.name,
             pair->alice.world.seed);

  RunReport report;
  report.scenario = pair->alice.world.scenario;
  report.seed = pair->alice.world.seed;
  const auto start = std::chrono::steady_clock::now();
  auto alice = make_node(pair->alice, context.hooks);
  if (!alice) return complain(alice.error());
  pair->bob.endpoint.port = std::to_string((*alice)->listen_port());
  auto bob = make_node(pair->bob, context.hooks);
  if (!bob) return complain(bob.error());
  (*bob)->submit({service::Command::Kind::run, options.blocks, "", "cli"});
  (*alice)->submit({service::Command::Kind::run, options.blocks, "", "cli"});
  follow(**alice, **bob, options.blocks, context, report);
  report.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  report.keys_match = keys_match((*alice)->store(), (*bob)->store());
  fmt::print("{}\n", context.output == Output::json ? run_json(report) : run_table(report));
  return context.stop->requested() ? Exit::failed : run_exit(report);
}

}  // namespace nicol::app
