// SPDX-License-Identifier: Apache-2.0
// How often a number's interval or limit holds the truth, over many drawn fits.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

namespace nicol::calibration::test {

struct Coverage {
  int inside = 0, all = 0;
  void add(double miss, double error) { count(std::abs(miss) < 1.96 * error); }
  void count(bool holds) {
    ++all;
    inside += holds ? 1 : 0;
  }
};

/// Four standard deviations of a binomial of 95 % below.
inline void expect_covers(const Coverage& c, int fits) {
  EXPECT_EQ(c.all, fits);
  EXPECT_GE(c.inside, 0.95 * fits - 4 * std::sqrt(0.95 * 0.05 * fits));
}

/// 92 to 98 % of all.
inline void expect_honest(const char* what, const Coverage& c) {
  std::printf("%s: 95 %% intervals that hold the truth: %d of %d\n", what, c.inside, c.all);
  EXPECT_GE(c.inside, 0.92 * c.all);
  EXPECT_LE(c.inside, 0.98 * c.all);
}

/// One-sided: at least 92 %.
inline void expect_limits(const char* what, const Coverage& c) {
  std::printf("%s: one-sided limits that hold: %d of %d\n", what, c.inside, c.all);
  EXPECT_GE(c.inside, 0.92 * c.all);
}

}  // namespace nicol::calibration::test
