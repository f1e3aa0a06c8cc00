// SPDX-License-Identifier: Apache-2.0
#include "controller/app/bench_chain.hpp"

#include "controller/app/bench/measure.hpp"
#include "controller/app/pair.hpp"

namespace nicol::app {
namespace {

using namespace std::chrono_literals;

struct Made {
  double sifted = 0, secret = 0, blocks = 0;
};

Made made_by(const service::Node& node) {
  Made m;
  for (const auto& b : node.blocks_since(0, 10'000)) {
    m.sifted += static_cast<double>(b.value.facts.sifted[0] + b.value.facts.sifted[1]);
    m.secret += static_cast<double>(b.value.secret_bits);
    m.blocks += 1;
  }
  return m;
}

}  // namespace

Result<bench::StageResult> bench_chain(const bench::Options& options) {
  auto folder = ThrowAwayFolder::create();
  if (!folder) return std::move(folder).error();
  auto pair = pair_in(folder->path(), "teaching");
  if (!pair) return std::move(pair).error();
  if (auto r = tie_together(*pair, {1, "none", "max"}); !r) return std::move(r).error();
  auto alice = make_node(pair->alice, {});
  if (!alice) return std::move(alice).error();
  pair->bob.endpoint.port = std::to_string((*alice)->listen_port());
  auto bob = make_node(pair->bob, {});
  if (!bob) return std::move(bob).error();
  const auto start = std::chrono::steady_clock::now();
  (*alice)->submit({service::Command::Kind::run, options.full ? 0U : 4U, "", "bench"});
  if (!(*alice)->wait(options.full ? 60s : 120s) && !options.full)
    return Error{Code::timeout, "the chain did not end in 120 s", "", 0, {}};
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const Made made = made_by(**alice);
  (*alice)->stop();
  (*bob)->stop();
  if (made.blocks == 0) return Error{Code::internal, "the chain made no block", "", 0, {}};
  return bench::compared("chain", made.sifted / made.blocks, made.sifted / seconds * 1e-6, "Mbit/s",
                         bench::memory_copy(), {{"secret_mbit_per_s", made.secret / seconds * 1e-6}});
}

}  // namespace nicol::app
