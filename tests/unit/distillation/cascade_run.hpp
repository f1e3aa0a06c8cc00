// SPDX-License-Identifier: Apache-2.0
// Drives Cascade's two sides against each other with a tap between them that counts what passes.
#pragma once

#include <optional>
#include <set>
#include <tuple>

#include "controller/distillation/cascade.hpp"
#include "controller/distillation/keylength.hpp"
#include "tests/unit/distillation/raw_pair.hpp"

namespace nicol::distillation::testing {

struct CascadeRun {
  std::optional<ReconciledBlock> alice, bob;  // empty when it failed
  std::uint64_t rounds = 0, parities = 0, asked_twice = 0, errors_corrected = 0;
  std::string failure;

  double efficiency() const {
    const auto n = static_cast<double>(bob->size());
    return static_cast<double>(parities) / (n * binary_entropy(static_cast<double>(errors_corrected) / n));
  }
};

inline secret::Arena& small_arena() {
  static secret::Arena arena = secret::Arena::create(4096).value();
  return arena;
}

inline CascadeRun run_cascade(RawPair pair, double expected_qber, std::uint64_t seed) {
  const CascadePlan plan{pair.bob.size(), expected_qber, seed};
  auto alice = CascadeAnswerer::start(std::move(pair.alice), plan, small_arena()).value();
  auto bob = CascadeCorrector::start(std::move(pair.bob), plan, small_arena()).value();
  CascadeRun run;
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>> seen;
  while (!bob.done()) {
    const CascadeAsk ask = bob.ask();
    ++run.rounds;
    run.parities += ask.ranges.size();
    for (const ParityRange& r : ask.ranges) run.asked_twice += seen.emplace(r.pass, r.begin, r.end).second ? 0u : 1u;
    const auto answer = alice.answer(ask);
    if (!answer) return run.failure = answer.error().message, std::move(run);
    if (const auto stepped = bob.step(*answer); !stepped) return run.failure = stepped.error().message, std::move(run);
  }
  run.errors_corrected = bob.errors_corrected();
  run.bob = std::move(bob).finish().value();
  run.alice = std::move(alice).finish(run.errors_corrected).value();
  return run;
}

inline CascadeRun run_cascade(const NoisyBits& bits, double expected_qber, std::uint64_t seed) {
  return run_cascade(estimated(bits.alice, bits.bob), expected_qber, seed);
}

}  // namespace nicol::distillation::testing
