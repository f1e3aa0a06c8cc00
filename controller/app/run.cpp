// SPDX-License-Identifier: Apache-2.0
// nicol run: both nodes in one process over a real loopback socket, light to stored key.
#include <fmt/format.h>

#include <algorithm>

#include "controller/app/commands.hpp"
#include "controller/app/pair.hpp"
#include "controller/app/progress.hpp"
#include "controller/app/report.hpp"

namespace nicol::app {
namespace {

using namespace std::chrono_literals;

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

const service::Alarm* alarm_of(const service::Snapshot& s, std::string_view name) {
  const auto it = std::find_if(s.alarms.begin(), s.alarms.end(), [&](const auto& a) { return a.name == name; });
  return it == s.alarms.end() ? nullptr : &*it;
}

/// Bright light has closed Bob, Alice has heard that he is not ready, and nobody stands by who could reset him.
std::string closed_for_good(const service::Node& alice, const service::Node& bob) {
  const auto his = bob.snapshot(), hers = alice.snapshot();
  const service::Alarm* bright = alarm_of(*his, "over-rate");
  const bool closed = bright != nullptr && his->state == service::NodeState::safe_off;
  return closed && alarm_of(*hers, "peer-not-ready") != nullptr ? bright->what : std::string();
}

/// The run goes on without it, so somebody must say so.
void tell_of_recordings(const service::Node& alice, const service::Node& bob) {
  for (const service::Node* node : {&alice, &bob})
    if (const service::Alarm* failed = alarm_of(*node->snapshot(), "recording-failed"))
      fmt::print(stderr, "nicol: {}\n", failed->what);
}

/// Of each block one at most: the newest known names the last that was taken.
void take_tracks(const service::Node& bob, RunReport& report) {
  for (const auto& t : bob.tracks_since(report.tracks.size(), 1024)) report.tracks.push_back(t.value);
}

void follow(service::Node& alice, service::Node& bob, std::uint64_t wanted, Context& context, RunReport& report) {
  Progress progress;
  std::uint64_t seen = 0;
  for (bool over = false; !over;) {
    report.stopped_because = closed_for_good(alice, bob);
    over = alice.wait(100ms) || context.stop->requested() || !report.stopped_because.empty();
    for (auto& b : alice.blocks_since(seen, 64)) {
      seen = b.sequence;
      if (context.output == Output::text) progress.line(block_line(b.value));
      report.blocks.push_back(std::move(b.value));
    }
    take_tracks(bob, report);
    progress.show(*alice.snapshot());
  }
  const auto last = alice.snapshot();
  report.simulated_s = last->rig_time.seconds();
  report.origin = last->origin;
  const bool early = report.blocks.size() < wanted && !context.stop->requested();
  if (!early)
    report.stopped_because.clear();
  else if (report.stopped_because.empty())
    report.stopped_because = last->last_error;
  if (!context.stop->requested() && !early) bob.wait(5s);
  alice.stop();
  bob.stop();
  take_tracks(bob, report);
  for (const auto& b : bob.blocks_since(0, 1024))
    if (b.value.length) report.bob_relies_on[b.value.block] = b.value.length->notes;
}

}  // namespace

Exit run(const RunOptions& options, Context& context) {
  std::optional<ThrowAwayFolder> throw_away;
  Result<Pair> pair = Error{};
  if (!options.config.empty()) {
    pair = pair_from_config(options.config);
  } else if (!options.state.empty()) {
    pair = pair_in(options.state, options.scenario);
  } else {
    auto folder = ThrowAwayFolder::create();
    if (!folder) return complain(folder.error());
    throw_away.emplace(*std::move(folder));
    pair = pair_in(throw_away->path(), options.scenario);
  }
  if (!pair) return complain(pair.error());
  Together together{options.seed, options.eve, options.speed};
  if (!options.config.empty() && !options.seed) together.seed = pair->alice.world.seed;
  if (auto r = tie_together(*pair, together); !r) return complain(r.error());
  if (auto r = check_memory(*pair); !r) return complain(r.error());
  if (context.talk == Talk::verbose) fmt::print(stderr, "{}", secret::describe(context.profile));
  const auto backing = secret::probe_backing();
  if (!backing) return complain(backing.error());
  if (const std::string warning = secret::memory_warning(); !warning.empty())
    fmt::print(stderr, "nicol: {}\n", warning);
  const bool simulated = pair->alice.devices.empty() && pair->bob.devices.empty();
  fmt::print(stderr, "nicol: {}, keys in {}\n",
             simulated ? fmt::format("simulated light, scenario {}, seed {}", pair->alice.world.scenario.name,
                                     pair->alice.world.seed)
                       : fmt::format("devices, optics as in {}", pair->alice.world.scenario.name),
             to_string(*backing));

  if (auto r = keep_raw_tags(*pair, options.tags); !r) return complain(r.error());
  RunReport report;
  report.scenario = pair->alice.world.scenario;
  if (simulated) report.seed = pair->alice.world.seed;
  const auto start = std::chrono::steady_clock::now();
  auto recordings = begin_recordings(options.record, options.seal);
  if (!recordings) return complain(recordings.error());
  auto alice = make_node(pair->alice, context.hooks, std::move(recordings->alice));
  if (!alice) return complain(alice.error());
  pair->bob.endpoint.port = std::to_string((*alice)->listen_port());
  auto bob = make_node(pair->bob, context.hooks, std::move(recordings->bob));
  if (!bob) return complain(bob.error());
  (*bob)->submit({service::Command::Kind::run, options.blocks, "", "cli"});
  (*alice)->submit({service::Command::Kind::run, options.blocks, "", "cli"});
  follow(**alice, **bob, options.blocks, context, report);
  tell_of_recordings(**alice, **bob);
  report.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  report.keys_match = keys_match((*alice)->store(), (*bob)->store());
  fmt::print("{}\n", context.output == Output::json ? run_json(report) : run_table(report));
  return context.stop->requested() ? Exit::failed : run_exit(report);
}

}  // namespace nicol::app
