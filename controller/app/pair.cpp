// SPDX-License-Identifier: Apache-2.0
#include "controller/app/pair.hpp"

#include <fmt/format.h>

#include <charconv>

#include "drivers/files/tag_tee.hpp"

namespace nicol::app {
namespace {

Result<double> parse_speed(const std::string& text) {
  if (text == "max") return 0.0;
  double v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error == std::errc() && end == text.data() + text.size() && v > 0) return v;
  return Error{Code::bad_input, fmt::format("--speed {}: expected \"max\" or a number above 0", text), "", 0, {}};
}

}  // namespace

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
  secret::set_memory_policy(mine->memory_policy());
  auto first = node_from_config(alice ? *mine : *other);
  auto second = node_from_config(alice ? *other : *mine);
  if (!first) return std::move(first).error();
  if (!second) return std::move(second).error();
  return Pair{*std::move(first), *std::move(second)};
}

Result<Pair> pair_in(const std::filesystem::path& folder, const std::string& scenario_name) {
  auto scenario = sim::load_scenario(scenario_name);
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
  for (NodeSetup* n : {&p.alice, &p.bob}) {
    n->world.scenario = *scenario;
    n->preshared_key = key;
    n->state = folder / (n == &p.alice ? "alice" : "bob");
    n->world.light = folder / "light.sock";
  }
  return p;
}

Result<void> tie_together(Pair& p, const Together& options) {
  auto eve = sim::parse_eve(options.eve);
  if (!eve) return std::move(eve).error();
  auto speed = parse_speed(options.speed);
  if (!speed) return std::move(speed).error();
  const std::uint64_t seed = options.seed.value_or(os_random_word() >> 11);
  for (NodeSetup* n : {&p.alice, &p.bob}) {
    n->world.seed = seed;
    n->world.eve = *eve;
    n->world.speed = *speed;
  }
  p.alice.peer_role = service::PeerRole::listen;
  p.bob.peer_role = service::PeerRole::connect;
  p.alice.endpoint = p.bob.endpoint = {"127.0.0.1", "0"};
  return {};
}

namespace {

auto tee_into(const std::filesystem::path& file) {
  return [file](std::unique_ptr<hal::TimeTagger> tagger,
                const hal::TimingLayout& timing) -> std::unique_ptr<hal::TimeTagger> {
    const auto failed = [file](const Error& e) {
      fmt::print(stderr, "nicol: tags are not kept any more in {}: {}\n", file.string(), describe(e));
    };
    return std::make_unique<files::TagTee>(std::move(tagger),
                                           files::TapeOptions{file, files::card_order(timing), failed});
  };
}

}  // namespace

Result<void> keep_raw_tags(Pair& p, const std::filesystem::path& folder) {
  if (folder.empty()) return {};
  if (!p.alice.devices.empty() || !p.bob.devices.empty())
    return Error{Code::bad_input,
                 "--tags: the tags of real light say every bit of its keys; expected a simulated run",
                 "",
                 0,
                 {}};
  std::error_code failed;
  const bool made = std::filesystem::create_directories(folder, failed);
  if (made && !failed) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, failed);
  if (failed) return Error{Code::io, fmt::format("{}: {}", folder.string(), failed.message()), "", failed.value(), {}};
  p.alice.world.tap = tee_into(folder / "alice.tags");
  p.bob.world.tap = tee_into(folder / "bob.tags");
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

}  // namespace nicol::app
