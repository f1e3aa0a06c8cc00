// SPDX-License-Identifier: Apache-2.0
// The bound that every key rests on, against a count of all possibilities that shares no code with it.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>
#include <vector>

#include "controller/distillation/keylength.hpp"
#include "controller/distillation/tails.hpp"

namespace nicol::distillation {
namespace {

/// Pr[x of k test bits are wrong] for every x, by ratios from the likeliest x and a sum made 1: no factorial, no log.
std::vector<long double> sample_law(std::uint64_t n, std::uint64_t k, std::uint64_t errors) {
  const std::uint64_t lowest = errors > n ? errors - n : 0, highest = std::min(errors, k);
  std::uint64_t mode = std::clamp((k + 1) * (errors + 1) / (n + k + 2), lowest, highest);
  std::vector<long double> law(k + 1, 0);
  const auto ratio = [&](std::uint64_t x) {  // Pr[x] / Pr[x-1]
    return static_cast<long double>((errors - x + 1) * (k - x + 1)) / static_cast<long double>(x * (n + x - errors));
  };
  law[mode] = 1;
  for (std::uint64_t x = mode; x < highest; ++x) law[x + 1] = law[x] * ratio(x + 1);
  for (std::uint64_t x = mode; x > lowest; --x) law[x - 1] = law[x] / ratio(x);
  long double sum = 0;
  for (const long double p : law) sum += p;
  for (long double& p : law) p /= sum;
  return law;
}

long double at_most(const std::vector<long double>& law, std::uint64_t c) {
  long double sum = 0;
  for (std::uint64_t x = 0; x <= c; ++x) sum += law[x];
  return sum;
}

struct Sizes {
  std::uint64_t n, k;
  double p_fail;
};
constexpr Sizes kSizes[] = {{5, 5, 0.1},       {10, 20, 0.01},   {30, 10, 0.01},   {30, 30, 1e-3},
                            {300, 300, 1e-4},  {300, 100, 1e-6}, {100, 300, 1e-6}, {500, 500, 1e-10},
                            {700, 150, 1e-10}, {150, 700, 1e-8}, {400, 400, 1e-21}};

/// max over all numbers of errors of Pr[errors in the key part exceed the bound].
long double worst_case(const Sizes& s) {
  std::vector<std::uint64_t> bound;
  for (std::uint64_t c = 0; c <= s.k; ++c) bound.push_back(hypergeom_key_errors(s.n, s.k, c, s.p_fail).value());
  long double worst = 0;
  for (std::uint64_t errors = 0; errors <= s.n + s.k; ++errors) {
    const auto law = sample_law(s.n, s.k, errors);
    long double fails = 0;
    for (std::uint64_t x = 0; x <= std::min(errors, s.k); ++x)
      if (errors - x > bound[x]) fails += law[x];
    worst = std::max(worst, fails);
  }
  return worst;
}

TEST(HypergeometricTail, IsExactFarInsideItsMargin) {
  for (const std::uint64_t errors : {17U, 20U, 33U, 40U, 60U}) {
    const auto law = sample_law(40, 36, errors);
    for (std::uint64_t c = 0; c < std::min<std::uint64_t>(errors, 36); ++c) {
      const long double exact = at_most(law, c);
      EXPECT_LE(std::abs(hypergeometric_cdf(c, 40, 36, errors) - exact), 2e-17L * exact) << errors << " " << c;
    }
  }
}

TEST(HypergeometricBound, IsNeverBelowTheExactWorstCase) {
  for (const Sizes& s : kSizes)
    EXPECT_LE(worst_case(s), static_cast<long double>(s.p_fail)) << s.n << " " << s.k << " " << s.p_fail;
}

TEST(HypergeometricBound, IsTight) {
  int loose = 0;
  for (const Sizes& s : kSizes) loose += worst_case(s) < 0.1L * static_cast<long double>(s.p_fail) ? 1 : 0;
  EXPECT_LE(loose, 1);
}

TEST(HypergeometricBound, IsTheSmallestNumberOfErrorsThatTheSampleExcludes) {
  for (const Sizes& s : kSizes) {
    for (std::uint64_t c = 0; c <= s.k; c += 1 + s.k / 17) {
      const std::uint64_t w = hypergeom_key_errors(s.n, s.k, c, s.p_fail).value();
      EXPECT_GT(at_most(sample_law(s.n, s.k, w + c), c), static_cast<long double>(s.p_fail)) << s.n << " " << c;
      if (w == s.n) continue;
      EXPECT_LE(at_most(sample_law(s.n, s.k, w + c + 1), c), static_cast<long double>(s.p_fail)) << s.n << " " << c;
    }
  }
}

// Computed with 50-digit arithmetic (term sums from log-gamma), p_fail = (2.5e-11)^2 unless given.
TEST(HypergeometricBound, AgreesWithFiftyDigitArithmetic) {
  constexpr double kTail = 2.5e-11 * 2.5e-11;
  struct Row {
    std::uint64_t n, k, c;
    double p_fail;
    std::uint64_t w;
  };
  constexpr Row kRows[] = {{100, 100, 0, 1e-6, 18},
                           {1000, 1000, 10, 1e-10, 61},
                           {300, 300, 150, 1e-4, 195},
                           {7, 3, 1, 0.05, 7},
                           {1500, 1500, 30, kTail, 150},
                           {10'000, 1'000, 20, kTail, 984},
                           {100'000, 10'000, 200, kTail, 3729},
                           {1'000'000, 100'000, 2'000, kTail, 24'754},
                           {10'000'000, 10'000'000, 150'000, kTail, 155'238},
                           {100'000'000, 1'000'000, 20'000, kTail, 2'137'437},
                           {100'000'000, 100'000'000, 2'000'000, 1e-21, 2'018'863},
                           {100'000'000, 10'000, 0, 1e-21, 482'399}};
  for (const Row& r : kRows)
    EXPECT_EQ(hypergeom_key_errors(r.n, r.k, r.c, r.p_fail).value(), r.w) << r.n << " " << r.k << " " << r.c;
}

TEST(HypergeometricBound, TakesATieForPossible) {
  // One wrong bit of two, one tested: it stays hidden with probability exactly 1/2. Excluded would be optimistic.
  EXPECT_EQ(hypergeom_key_errors(1, 1, 0, 0.5).value(), 1U);
  EXPECT_EQ(hypergeom_key_errors(1, 1, 0, 0.500001).value(), 0U);
}

TEST(HypergeometricBound, ExcludesNothingWithoutASampleOrWithEveryTestBitWrong) {
  EXPECT_EQ(hypergeom_key_errors(1000, 0, 0, 1e-6).value(), 1000U);
  EXPECT_EQ(hypergeom_key_errors(1000, 50, 50, 1e-6).value(), 1000U);
  EXPECT_EQ(hypergeom_key_errors(0, 50, 5, 1e-6).value(), 0U);
}

TEST(HypergeometricBound, GrowsWithObservedErrorsAndWithConfidence) {
  std::uint64_t last = 0;
  for (std::uint64_t c = 0; c <= 400; ++c) {
    const std::uint64_t w = hypergeom_key_errors(2000, 400, c, 1e-10).value();
    EXPECT_GE(w, last) << c;
    EXPECT_GE(hypergeom_key_errors(2000, 400, c, 1e-20).value(), w) << c;
    last = w;
  }
}

TEST(HypergeometricBound, FallsWithALargerSample) {
  std::uint64_t last = 5000;
  for (std::uint64_t k = 100; k <= 5000; k += 100) {
    const std::uint64_t w = hypergeom_key_errors(5000, k, k / 50, 1e-20).value();
    EXPECT_LE(w, last) << k;
    last = w;
  }
}

TEST(HypergeometricBound, CoversTheKeyOfRandomlySplitBlocks) {
  std::mt19937_64 random(7);
  std::vector<int> wrong(400, 0);
  std::fill_n(wrong.begin(), 40, 1);
  int failures = 0;
  constexpr int kRuns = 4000;
  for (int run = 0; run < kRuns; ++run) {
    std::shuffle(wrong.begin(), wrong.end(), random);
    const auto tested = static_cast<std::uint64_t>(std::count(wrong.begin(), wrong.begin() + 150, 1));
    failures += 40 - tested > hypergeom_key_errors(250, 150, tested, 0.02).value() ? 1 : 0;
  }
  EXPECT_LE(failures, 0.02 * kRuns + 4 * std::sqrt(0.02 * kRuns));
}

TEST(HypergeometricBound, TakesMillisecondsForAHundredMillionBits) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(hypergeom_key_errors(100'000'000, 100'000'000, 2'000'000, 1e-21).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST(HypergeometricBound, RefusesMoreErrorsThanTestBits) {
  const auto result = hypergeom_key_errors(10, 5, 6, 1e-6);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::bad_input);
  EXPECT_EQ(result.error().message, "c = 6 exceeds k = 5");
}

TEST(HypergeometricBound, RefusesAProbabilityOutsideTheOpenInterval) {
  for (const double p : {0.0, 1.0, -1e-3, 1.5, std::nan("")}) {
    const auto result = hypergeom_key_errors(10, 5, 1, p);
    ASSERT_FALSE(result.ok()) << p;
    EXPECT_NE(result.error().message.find("p_fail"), std::string::npos);
  }
}

TEST(RelativeEntropyBound, IsNeverBelowTheExactBound) {
  for (const Sizes& s : kSizes) {
    const auto n = static_cast<double>(s.n), k = static_cast<double>(s.k);
    for (std::uint64_t c = 0; c <= s.k; ++c) {
      const double rate = ekey_kl(n, k, static_cast<double>(c), s.p_fail).value();
      EXPECT_GE(rate * n, static_cast<double>(hypergeom_key_errors(s.n, s.k, c, s.p_fail).value()) - 1e-9)
          << s.n << " " << s.k << " " << c;
    }
  }
}

TEST(RelativeEntropyBound, AgreesWithPublishedValues) {
  EXPECT_NEAR(ekey_kl(100, 100, 0, 1e-6).value(), 0.2580728200878387, 1e-12);
  EXPECT_NEAR(ekey_kl(12345.5, 678.25, 12.75, 1e-20).value(), 0.12105920982791134, 1e-12);
}

TEST(RelativeEntropyBound, HasAClosedFormWithoutErrors) {
  // k ln(1/(1-Q)) = ln(1/p): Q = 1 - p^(1/k).
  const double q = -std::expm1(std::log(1e-12) / 250);
  EXPECT_NEAR(ekey_kl(1000, 250, 0, 1e-12).value(), 1250 * q / 1000, 1e-14);
}

TEST(RelativeEntropyBound, IsMonotoneInEveryCount) {
  const double middle = ekey_kl(5000, 800, 20, 1e-15).value();
  EXPECT_LT(ekey_kl(6000, 800, 20, 1e-15).value(), middle);
  EXPECT_LT(ekey_kl(5000, 800.5, 20, 1e-15).value(), middle);
  EXPECT_GT(ekey_kl(5000, 800, 20.5, 1e-15).value(), middle);
  EXPECT_GT(ekey_kl(5000, 800, 20, 1e-16).value(), middle);
}

TEST(RelativeEntropyBound, NamesTheInputItRefuses) {
  EXPECT_NE(ekey_kl(0, 10, 1, 0.1).error().message.find("n ="), std::string::npos);
  EXPECT_NE(ekey_kl(10, 0, 0, 0.1).error().message.find("k ="), std::string::npos);
  EXPECT_NE(ekey_kl(10, 10, 11, 0.1).error().message.find("c ="), std::string::npos);
  EXPECT_NE(ekey_kl(10, 10, 1, 1).error().message.find("p_fail"), std::string::npos);
}

}  // namespace
}  // namespace nicol::distillation
