// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/link_under_test.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace nicol::test {
namespace {

/// Below the ports that the kernel gives to outgoing connections: one of those could take the port of a stopped Alice.
std::uint16_t free_port() {
  constexpr std::uint16_t kFirst = 20'000, kPorts = 12'000;
  static std::uint16_t next = static_cast<std::uint16_t>(getpid() * 16 % kPorts);
  for (int tries = 0; tries < 1000; ++tries) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    const auto port = static_cast<std::uint16_t>(kFirst + next++ % kPorts);
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    if (free) return port;
  }
  throw std::runtime_error("no free port");
}

std::string small_scenario(std::uint64_t block_slots) {
  std::string text = read_file(std::filesystem::path(NICOL_SOURCE_DIR) / "sim/scenario/teaching.toml");
  const std::string line = "block_slots = ";
  const auto at = text.find(line);
  if (at == std::string::npos) throw std::runtime_error("the teaching scenario has no block_slots");
  const auto end = text.find('\n', at);
  return text.replace(at, end - at, line + std::to_string(block_slots));
}

const char* name_of(Side side) { return side == Side::alice ? "alice" : "bob"; }

}  // namespace

std::filesystem::path mortal_program() { return NICOL_FAULT_EXE; }

LinkUnderTest::LinkUnderTest(const Options& options) : alice_port_(free_port()) {
  write_file(file("small.toml"), small_scenario(options.block_slots));
  const Outcome made = nicol({"init", file("link").string(), "--scenario", file("small.toml").string()});
  if (made.exit != 0) throw std::runtime_error("init: " + made.err);
  proxy_ = std::make_unique<FrameProxy>(alice_port_);
  edit_file(config(Side::alice), ":7450", ":" + std::to_string(alice_port_));
  edit_file(config(Side::bob), ":7450", ":" + std::to_string(proxy_->port()));
  const std::string limits = "\n[limits]\nreply_timeout_ms = " + std::to_string(options.reply_timeout.count()) +
                             "\nlight_timeout_ms = " + std::to_string(options.light_timeout.count()) + "\n";
  for (const Side side : {Side::alice, Side::bob}) write_file(config(side), read_file(config(side)) + limits);
}

std::filesystem::path LinkUnderTest::config(Side side) const {
  return folder_ / (std::string("link/") + name_of(side) + ".toml");
}

std::vector<std::string> LinkUnderTest::arguments(Side side, std::vector<std::string> more) const {
  std::vector<std::string> all{name_of(side), "--config", config(side).string()};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

Program LinkUnderTest::start(Side side, std::vector<std::string> more, As as) const {
  return {nicol_program(), arguments(side, std::move(more)), std::move(as)};
}

Program LinkUnderTest::start_mortal(Side side, std::vector<std::string> more,
                                    std::vector<std::string> environment) const {
  As as;
  as.environment = std::move(environment);
  return {mortal_program(), arguments(side, std::move(more)), std::move(as)};
}

std::size_t StoreFace::in_state(const std::string& state) const {
  return static_cast<std::size_t>(
      std::count_if(keys.begin(), keys.end(), [&](const Key& k) { return std::get<1>(k) == state; }));
}

bool StoreFace::has(const std::string& id, const std::string& state) const {
  return std::any_of(keys.begin(), keys.end(),
                     [&](const Key& k) { return std::get<0>(k) == id && std::get<1>(k) == state; });
}

StoreFace store_face(const LinkUnderTest& link, Side side) {
  const Outcome o = nicol({"keys", "stats", "--json", "--config", link.config(side).string()});
  const auto j = nlohmann::json::parse(o.out, nullptr, false);
  if (o.exit != 0 || j.is_discarded()) throw std::runtime_error("keys stats: " + o.err);
  StoreFace face;
  for (const auto& k : j["keys"])
    face.keys.emplace_back(k["id"].get<std::string>(), k["state"].get<std::string>(), k["bits"].get<std::uint64_t>(),
                           k["check"].get<std::string>());
  std::sort(face.keys.begin(), face.keys.end());
  face.pools = j["pools"].dump();
  return face;
}

testing::AssertionResult stores_agree(const LinkUnderTest& link, Compare compare) {
  const StoreFace a = store_face(link, Side::alice), b = store_face(link, Side::bob);
  const auto text = [](const StoreFace& face) {
    std::string all;
    for (const auto& [id, state, bits, check] : face.keys)
      all += "  " + id + " " + state + " " + std::to_string(bits) + " " + check + "\n";
    return all;
  };
  if (a.keys != b.keys) return testing::AssertionFailure() << "alice holds\n" << text(a) << "bob holds\n" << text(b);
  if (a.in_state("pending") != 0) return testing::AssertionFailure() << "a key in doubt on both sides\n" << text(a);
  if (compare == Compare::keys_and_pools && a.pools != b.pools)
    return testing::AssertionFailure() << "alice's pools " << a.pools << "\nbob's " << b.pools;
  return testing::AssertionSuccess();
}

Line Sightings::noting(Line line) {
  return [state = state_, line = std::move(line)](const session::FrameHeader& header, Bytes frame) -> Outgoing {
    {
      const std::lock_guard lock(state->mutex);
      ++state->counts.at(static_cast<std::size_t>(header.type));
    }
    state->changed.notify_all();
    return line ? line(header, std::move(frame)) : passed(std::move(frame));
  };
}

std::uint64_t Sightings::count(FrameType type) const {
  const std::lock_guard lock(state_->mutex);
  return state_->counts.at(static_cast<std::size_t>(type));
}

bool Sightings::wait(FrameType type, std::uint64_t at_least, std::chrono::milliseconds patience) const {
  std::unique_lock lock(state_->mutex);
  const auto& count = state_->counts.at(static_cast<std::size_t>(type));
  return state_->changed.wait_for(lock, patience, [&] { return count >= at_least; });
}

Line on_first(FrameType type, Line act) {
  return [type, act = std::move(act), done = false](const session::FrameHeader& header, Bytes frame) mutable {
    if (done || header.type != type) return passed(std::move(frame));
    done = true;
    return act(header, std::move(frame));
  };
}

Line on_first_from(Direction direction, FrameType type, Line act) {
  return
      [direction, type, act = std::move(act), done = false](const session::FrameHeader& header, Bytes frame) mutable {
        if (done || header.type != type || header.direction != direction) return passed(std::move(frame));
        done = true;
        return act(header, std::move(frame));
      };
}

}  // namespace nicol::test
