// SPDX-License-Identifier: Apache-2.0
// Eve on a fibre that stands still, with tracking and without, the same draws: what compensation cannot remove is
// charged to her in full.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cmath>

#include "controller/distillation/keylength.hpp"
#include "tests/unit/calibration/tracked_link.hpp"

namespace nicol::calibration {
namespace {

struct Charged {
  double phase = 0, length = 0;
};

/// As a block with key basis rectilinear is charged; reconciliation at 1.16 of the entropy. `dither` is a QBER: what
/// that many errors more would leave.
Charged charge(const test::DrawnBlock& drawn, double dither) {
  const auto sampled = static_cast<double>(drawn.disclosed.same[0][0] + drawn.disclosed.different[0][0]);
  const auto& [bits, errors] = drawn.matched;
  distillation::SpVariableInputs in;
  in.n = static_cast<double>(bits[0]) - sampled, in.k = static_cast<double>(bits[1]);
  in.errors_k = static_cast<double>(errors[1]) + dither * in.k;
  const double qber = static_cast<double>(errors[0]) / static_cast<double>(bits[0]) + dither;
  in.leak_ec = 1.16 * in.n * distillation::binary_entropy(qber);
  in.eps_at = in.eps_pa = in.eps_ev = 2.5e-11;
  in.bound = distillation::Bound::kl;  // takes part of an error
  const auto length = distillation::sp_variable(in);
  EXPECT_TRUE(length);
  return {length->phase, length->ell};
}

struct Moments {
  double sum = 0, squares = 0;
  int count = 0;
  void add(double x) { sum += x, squares += x * x, ++count; }
  double mean() const { return sum / count; }
  double sigma() const { return std::sqrt(std::max(squares / count - mean() * mean(), 0.0) / (count - 1)); }
};

struct Compared {
  Moments phase, length, dither_bits;  // of a seed, tracked minus untracked; bits that the counted dither costs
  int alarmed = 0, seeds = 0;
};

void compare_one(const test::LinkOptions& options, std::uint64_t seed, int blocks, Compared& all) {
  test::TrackedLink tracked(options, seed), untracked(options, seed);
  auto [tracker, plates] = test::calibrated(tracked, test::tracker_options(options));
  const PlateAngles at_rest = plates;
  double phase = 0, length = 0, dither_bits = 0, dither = 0;
  bool alarmed = false;
  for (int i = 0; i < blocks; ++i) {
    const test::DrawnBlock with = tracked.block(plates), without = untracked.block(at_rest);
    const Charged a = charge(with, 0), b = charge(without, 0);
    phase += a.phase - b.phase, length += a.length - b.length;
    dither_bits += b.length - charge(without, dither).length;
    const NextSetting next = tracker.next(test::verified(with, plates, options));
    plates = next.plates, dither = next.dither_qber, alarmed = next.excess_alarm;
  }
  all.phase.add(phase / blocks), all.length.add(length / blocks), all.dither_bits.add(dither_bits / blocks);
  all.alarmed += alarmed ? 1 : 0, ++all.seeds;
}

/// Three standard errors either way.
void expect_eve_charged(const char* kind, int seeds, int blocks) {
  test::LinkOptions options;
  options.walk = 0, options.eve = *sim::parse_eve(kind);
  Compared all;
  for (int seed = 0; seed < seeds; ++seed) compare_one(options, 300 + static_cast<std::uint64_t>(seed), blocks, all);
  fmt::print(
      "{}, {} seeds of {} blocks, tracked - untracked: phase error bound {:+.2e} +- {:.1e}, length {:+.2f} +- {:.2f} "
      "bits; "
      "dither counted {:.2f} bits; alarm in {} of {}\n",
      kind, seeds, blocks, all.phase.mean(), all.phase.sigma(), all.length.mean(), all.length.sigma(),
      all.dither_bits.mean(), all.alarmed, all.seeds);
  EXPECT_GE(all.phase.mean(), -3 * all.phase.sigma());
  EXPECT_LE(all.length.mean(), 3 * all.length.sigma());
  EXPECT_GE(all.length.mean(), -all.dither_bits.mean() - 3 * all.length.sigma());
  EXPECT_EQ(all.alarmed, all.seeds);
}

class TrackedEve : public testing::TestWithParam<const char*> {};

TEST_P(TrackedEve, GainsNothingByIt) { expect_eve_charged(GetParam(), 4, 10); }
TEST_P(TrackedEve, LongGainsNothingByItInTwentyPairedSeeds) { expect_eve_charged(GetParam(), 20, 40); }

INSTANTIATE_TEST_SUITE_P(Kinds, TrackedEve,
                         testing::Values("intercept-resend:0.2", "breidbart:0.2", "intercept-resend-rectilinear:0.2"),
                         [](const auto& at) { return std::to_string(at.index); });

}  // namespace
}  // namespace nicol::calibration
