// SPDX-License-Identifier: Apache-2.0
// The yardstick of clock offsets: a plain float cross-correlation, written once and left alone.
#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "controller/app/bench/measure.hpp"
#include "drivers/hal/random.hpp"

namespace nicol::bench {

namespace {

using Complex = std::complex<float>;
constexpr std::size_t kGrid = std::size_t{1} << 20, kEvents = 1'000'000;

Complex times(Complex x, Complex y) {
  return {x.real() * y.real() - x.imag() * y.imag(), x.real() * y.imag() + x.imag() * y.real()};
}

/// Radix 4, each pass into the other array, in order at the end (Stockham). 4^10 numbers.
void transform(std::vector<Complex>& x, std::vector<Complex>& y, const std::vector<Complex>& turns) {
  for (std::size_t n = kGrid, s = 1; n > 1; n /= 4, s *= 4) {
    const std::size_t q = n / 4;
    for (std::size_t p = 0; p < q; ++p) {
      const Complex w1 = turns[p * s], w2 = turns[2 * p * s], w3 = turns[3 * p * s];
      const Complex* const from = x.data() + s * p;
      Complex* const to = y.data() + s * 4 * p;
      for (std::size_t k = 0; k < s; ++k) {
        const Complex a = from[k], b = from[k + s * q], c = from[k + 2 * s * q], d = from[k + 3 * s * q];
        const Complex ac = a + c, a_c = a - c, bd = b + d, b_d(b.imag() - d.imag(), d.real() - b.real());
        to[k] = ac + bd;
        to[k + s] = times(w1, a_c + b_d);
        to[k + 2 * s] = times(w2, ac - bd);
        to[k + 3 * s] = times(w3, a_c - b_d);
      }
    }
    x.swap(y);
  }
}

std::vector<std::size_t> bins(std::uint64_t index) {
  CounterStream random({1, NodeId::world, Purpose::test, index});
  std::vector<std::size_t> all(kEvents);
  for (auto& bin : all) bin = random.below(kGrid);
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

Yardstick float_cross_correlation() {
  const auto a = bins(1), b = bins(2);
  std::vector<Complex> x(kGrid), y(kGrid), turns(kGrid);
  for (std::size_t k = 0; k < kGrid; ++k) {
    const double angle = -2 * std::numbers::pi * static_cast<double>(k) / kGrid;
    turns[k] = {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
  }
  const double seconds = median_seconds(
      [&] {
        std::fill(x.begin(), x.end(), Complex{});
        for (const std::size_t bin : a) x[bin] += 1;
        for (const std::size_t bin : b) x[bin] += Complex{0, 1};
        transform(x, y, turns);
        // Both spectra lie in one; only the product of each with the other is kept.
        for (std::size_t k = 0; k < kGrid; ++k) y[k] = times(x[k], x[(kGrid - k) % kGrid]);
        x.swap(y);
        transform(x, y, turns);
        keep(&*std::max_element(x.begin(), x.end(), [](Complex p, Complex q) { return p.real() < q.real(); }));
      },
      {5, 0.5, 5});
  return {"float_cross_correlation", "ms", seconds * 1e3};
}

}  // namespace nicol::bench
