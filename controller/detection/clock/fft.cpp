// SPDX-License-Identifier: Apache-2.0
// Decimation in time; the roots of each level are drawn from one table made in double precision.
#include "controller/detection/clock/fft.hpp"

#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

namespace nicol::detection {
namespace {

void reverse_bits(std::span<std::complex<float>> x) {
  for (std::size_t i = 1, j = 0; i < x.size(); ++i) {
    std::size_t bit = x.size() / 2;
    for (; j & bit; bit /= 2) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
}

std::vector<std::complex<float>> roots(std::size_t n) {
  std::vector<std::complex<float>> w(n / 2);
  for (std::size_t k = 0; k < w.size(); ++k) {
    const double a = -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n);
    w[k] = {static_cast<float>(std::cos(a)), static_cast<float>(std::sin(a))};
  }
  return w;
}

/// operator* of std::complex looks for infinities; here there are none.
std::complex<float> product(std::complex<float> a, std::complex<float> b) noexcept {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

}  // namespace

void fourier(std::span<std::complex<float>> x) {
  const std::vector<std::complex<float>> w = roots(x.size());
  reverse_bits(x);
  for (std::size_t half = 1, stride = x.size() / 2; half < x.size(); half *= 2, stride /= 2)
    for (std::size_t first = 0; first < x.size(); first += 2 * half)
      for (std::size_t k = 0; k < half; ++k) {
        std::complex<float>&a = x[first + k], &b = x[first + k + half];
        const std::complex<float> t = product(b, w[k * stride]);
        b = a - t;
        a += t;
      }
}

}  // namespace nicol::detection
