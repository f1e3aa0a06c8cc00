// SPDX-License-Identifier: Apache-2.0
// Rates of reconciliation and privacy amplification.
#include <stdexcept>

#include "controller/app/bench/measure.hpp"
#include "controller/distillation/amplification.hpp"
#include "controller/distillation/cascade.hpp"
#include "controller/distillation/estimation.hpp"
#include "controller/distillation/keylength.hpp"

namespace nicol::bench {

namespace {

using namespace distillation;

constexpr std::uint64_t kBlockBits = 100'000;
constexpr double kQber = 0.02;

struct Pair {
  EstimatedBlock alice, bob;
};

/// All bits rectilinear and undisclosed but for one of each basis, which the real estimation wants to see.
detection::Clicks clicks_of(PublicBits bits) {
  bits.push_back(false);
  bits.push_back(false);
  detection::Clicks clicks;
  for (std::uint64_t slot = 0; slot < bits.size(); ++slot) clicks.slots.push_back(slot);
  PublicBits bases(bits.size());
  bases.set(bits.size() - 1, true);
  clicks.bases = BitString::from_public(bases);
  clicks.bits = BitString::from_public(bits);
  return clicks;
}

Pair noisy_pair(std::uint64_t n, double qber, std::uint64_t index) {
  CounterStream random({1, NodeId::world, Purpose::test, index});
  PublicBits alice(n), bob(n);
  for (std::uint64_t i = 0; i < n; ++i) {
    const bool bit = (random() & 1) != 0;
    alice.set(i, bit);
    bob.set(i, bit != (random.uniform() < qber));
  }
  auto clicks = clicks_of(bob);
  auto at_alice = sifting::sift_alice(clicks_of(alice), n + 2, n + 2, sifting::announce(clicks)).value();
  auto at_bob = sifting::sift_bob(std::move(clicks), at_alice.reply).value();
  sifting::SampleCoins coins{.sample = {PublicBits(n + 1), PublicBits(1)}, .share = {0.0, 1.0}};
  coins.sample[0].set(n, true);
  coins.sample[1].set(0, true);
  auto a = Estimation::start(std::move(at_alice.block), coins, {}).value();
  auto b = Estimation::start(std::move(at_bob.block), coins, {}).value();
  const PublicBits from_alice = a.ask(), from_bob = b.ask();
  return {std::move(*std::move(a).step(from_bob).value().block),
          std::move(*std::move(b).step(from_alice).value().block)};
}

struct Run {
  double alice_seconds = 0, bob_seconds = 0;
  double rounds = 0, parities = 0, corrected = 0;
};

Run reconcile(Pair pair, std::uint64_t seed, secret::Arena& arena) {
  Run run;
  double last = seconds_now();
  const auto charge = [&last](double& side) {
    const double now = seconds_now();
    side += now - last;
    last = now;
  };
  const CascadePlan plan{pair.bob.size(), kQber, seed};
  auto alice = CascadeAnswerer::start(std::move(pair.alice), plan, arena).value();
  charge(run.alice_seconds);
  auto bob = CascadeCorrector::start(std::move(pair.bob), plan, arena).value();
  charge(run.bob_seconds);
  while (!bob.done()) {
    run.rounds += 1;
    run.parities += static_cast<double>(bob.ask().ranges.size());
    const auto answer = alice.answer(bob.ask()).value();
    charge(run.alice_seconds);
    if (auto stepped = bob.step(answer); !stepped) throw std::runtime_error(describe(stepped.error()));
    charge(run.bob_seconds);
  }
  run.corrected = static_cast<double>(bob.errors_corrected());
  const auto bobs = std::move(bob).finish();
  charge(run.bob_seconds);
  const auto alices = std::move(alice).finish(static_cast<std::uint64_t>(run.corrected));
  charge(run.alice_seconds);
  return run;
}

StageResult amplified(std::uint64_t n, Repeats repeats) {
  const std::uint64_t l = n / 2;
  PublicBits seed(n + l - 1), input(n), out(l);
  CounterStream random({1, NodeId::world, Purpose::test, n});
  for (auto& word : seed.words()) word = random();
  for (auto& word : input.words()) word = random();
  std::vector<std::uint64_t> scratch(toeplitz_scratch_words(n, l));
  const Yardstick kernel = carryless_kernel();
  const double seconds = median_seconds(
      [&] { toeplitz(seed.words(), input.words(), n, l, out.words(), scratch, best_kernel()); }, repeats);
  const double size = static_cast<double>(n);
  return compared(
      "privacy_amplification", size, size / seconds * 1e-6, "Mbit/s", kernel,
      {{"output_bits", static_cast<double>(l)}, {"scratch_bytes", 8.0 * static_cast<double>(scratch.size())}});
}

}  // namespace

/// Both sides one after the other on one core; the figures give each alone.
std::vector<StageResult> bench_cascade(const Options&) {
  auto arena = secret::Arena::create(4096).value();
  const Yardstick kernel = carryless_kernel();
  Run sum;
  double runs = 0;
  std::uint64_t index = 0;
  const double seconds = median_of(
      [&] {
        const Run run = reconcile(noisy_pair(kBlockBits, kQber, index), index, arena);
        ++index, ++runs;
        sum.alice_seconds += run.alice_seconds, sum.bob_seconds += run.bob_seconds;
        sum.rounds += run.rounds, sum.parities += run.parities, sum.corrected += run.corrected;
        return run.alice_seconds + run.bob_seconds;
      },
      {15, 2, 15});
  const double n = static_cast<double>(kBlockBits);
  return {compared("cascade", n, n / seconds * 1e-6, "Mbit/s", kernel,
                   {{"f_ec", sum.parities / (runs * n * binary_entropy(sum.corrected / (runs * n)))},
                    {"rounds", sum.rounds / runs},
                    {"qber", kQber},
                    {"alice_mbit_s", n * runs / sum.alice_seconds * 1e-6},
                    {"bob_mbit_s", n * runs / sum.bob_seconds * 1e-6}})};
}

std::vector<StageResult> bench_privacy_amplification(const Options& options) {
  std::vector<StageResult> results;
  for (const std::uint64_t n : {100'000u, 1'000'000u, 10'000'000u}) results.push_back(amplified(n, {5, 1, 5}));
  if (options.full) results.push_back(amplified(100'000'000, {1, 0, 60}));
  return results;
}

}  // namespace nicol::bench
