// SPDX-License-Identifier: Apache-2.0
// nicol tool reconcile: two files of bits driven through the same two resumable values as a real block.
#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "controller/app/bit_file.hpp"
#include "controller/app/commands.hpp"
#include "controller/distillation/cascade.hpp"
#include "controller/distillation/estimation.hpp"

namespace nicol::app {
namespace {

using namespace distillation;
using secret::BitString;

/// A file's bits as clicks: all rectilinear, then one rectilinear and one diagonal bit for the samples that estimation
/// must see. Only the file's bits reach reconciliation.
detection::Clicks clicks_of(BitString&& file) {
  const std::size_t n = file.size() + 2;
  detection::Clicks c;
  c.slots.resize(n);
  for (std::size_t i = 0; i < n; ++i) c.slots[i] = i;
  PublicBits bases(n);
  bases.set(n - 1, true);
  c.bases = BitString::from_public(bases);
  c.bits = BitString::concat(file, BitString(2));
  return c;
}

struct Blocks {
  EstimatedBlock alice, bob;
};

sifting::SampleCoins coins_for(std::size_t rectilinear) {
  sifting::SampleCoins coins;
  coins.sample = {PublicBits(rectilinear), PublicBits(1)};
  coins.sample[0].set(rectilinear - 1, true);
  coins.sample[1].set(0, true);
  coins.share = {0.0, 1.0};
  return coins;
}

Result<Blocks> estimate(BitString&& alice_file, BitString&& bob_file) {
  const std::size_t n = alice_file.size();
  detection::Clicks bob = clicks_of(std::move(bob_file));
  auto a = sifting::sift_alice(clicks_of(std::move(alice_file)), n + 2, n + 2, sifting::announce(bob));
  if (!a) return std::move(a).error();
  auto b = sifting::sift_bob(std::move(bob), a->reply);
  if (!b) return std::move(b).error();
  const auto coins = coins_for(n + 1);
  auto at_alice = Estimation::start(std::move(a->block), coins, {});
  auto at_bob = Estimation::start(std::move(b->block), coins, {});
  if (!at_alice) return std::move(at_alice).error();
  if (!at_bob) return std::move(at_bob).error();
  const PublicBits from_alice = at_alice->ask(), from_bob = at_bob->ask();
  auto done_alice = std::move(*at_alice).step(from_bob);
  auto done_bob = std::move(*at_bob).step(from_alice);
  if (!done_alice) return std::move(done_alice).error();
  if (!done_bob) return std::move(done_bob).error();
  if (!done_alice->block || !done_bob->block) return Error{Code::internal, "estimation gave no block", "", 0, {}};
  return Blocks{*std::move(done_alice->block), *std::move(done_bob->block)};
}

struct Outcome {
  bool corrected = false;
  std::uint64_t leak = 0, errors = 0;
  std::uint32_t rounds = 0;
  double seconds = 0;
};

Result<Outcome> reconcile(Blocks blocks, const CascadePlan& plan, const BitString& truth, BitString& work) {
  auto arena = secret::Arena::create(2 * cascade_scratch_bytes(plan.bits) + 4096);
  if (!arena) return std::move(arena).error();
  const auto start = std::chrono::steady_clock::now();
  auto alice = CascadeAnswerer::start(std::move(blocks.alice), plan, *arena);
  auto bob = CascadeCorrector::start(std::move(blocks.bob), plan, *arena);
  if (!alice) return std::move(alice).error();
  if (!bob) return std::move(bob).error();
  Outcome o;
  for (; !bob->done(); ++o.rounds) {
    auto answer = alice->answer(bob->ask());
    if (!answer) return std::move(answer).error();
    if (auto r = bob->step(*answer); !r) return std::move(r).error();
  }
  o.errors = bob->errors_corrected();
  auto finished = std::move(*bob).finish();
  auto answered = std::move(*alice).finish(o.errors);
  if (!finished) return std::move(finished).error();
  if (!answered) return std::move(answered).error();
  o.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  o.leak = answered->facts().ledger.disclosed(sifting::LeakClass::reconciliation);
  work.xor_with(truth);
  o.corrected = work.popcount() == o.errors;
  return o;
}

Result<Outcome> run(const ToolOptions& o) {
  if (o.algorithm != "cascade")
    return Error{Code::bad_input,
                 fmt::format("--algorithm {}: expected cascade (ldpc is not in this version)", o.algorithm),
                 "",
                 0,
                 {}};
  if (!(o.qber >= 0 && o.qber < 0.5))
    return Error{Code::bad_input, fmt::format("--qber {}: expected a number from 0 to below 0.5", o.qber), "", 0, {}};
  if (o.bits == 0 || o.bits > (1u << 28))
    return Error{Code::bad_input, fmt::format("--bits {}: expected 1 to 2^28", o.bits), "", 0, {}};
  auto alice = read_secret_bits(o.alice, o.bits), bob = read_secret_bits(o.bob, o.bits);
  auto truth = read_secret_bits(o.alice, o.bits), work = read_secret_bits(o.bob, o.bits);
  if (!alice || !truth) return (alice ? truth : alice).error();
  if (!bob || !work) return (bob ? work : bob).error();
  auto blocks = estimate(*std::move(alice), *std::move(bob));
  if (!blocks) return std::move(blocks).error();
  return reconcile(*std::move(blocks), {o.bits, o.qber, o.random_seed}, *truth, *work);
}

}  // namespace

Exit tool_reconcile(const ToolOptions& options, Context&) {
  auto o = run(options);
  if (!o) return complain(o.error());
  const double n = static_cast<double>(options.bits), rate = static_cast<double>(o->errors) / n;
  nlohmann::json j{{"corrected", o->corrected},
                   {"leak_bits", o->leak},
                   {"rounds", o->rounds},
                   {"errors_corrected", o->errors},
                   {"seconds", o->seconds}};
  j["f_ec"] = o->errors > 0 ? nlohmann::json(static_cast<double>(o->leak) / (n * binary_entropy(rate)))
                            : nlohmann::json(nullptr);
  fmt::print("{}\n", j.dump());
  return o->corrected ? Exit::done : Exit::failed;
}

}  // namespace nicol::app
