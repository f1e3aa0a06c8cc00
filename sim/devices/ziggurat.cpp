// SPDX-License-Identifier: Apache-2.0
#include "sim/devices/ziggurat.hpp"

#include <algorithm>
#include <cmath>

#include "sim/optics/arrival.hpp"

namespace nicol::sim {
namespace {

/// Start of the tail, and area of each layer, for 256 layers (Marsaglia and Tsang, section 2).
constexpr double kNormalTail = 3.6541528853610088, kNormalArea = 0.00492867323399;
constexpr double kExponentialTail = 7.69711747013104972, kExponentialArea = 0.0039496598225815571993;

template <class Density, class Inverse>
Ziggurat build(double tail, double area, Density density, Inverse inverse) {
  Ziggurat z;
  z.x[0] = area / density(tail);
  z.x[1] = tail;
  for (std::size_t i = 2; i < kZigguratLayers; ++i) z.x[i] = inverse(area / z.x[i - 1] + density(z.x[i - 1]));
  z.x[kZigguratLayers] = 0;
  for (std::size_t i = 0; i < kZigguratLayers; ++i) z.ratio[i] = z.x[i + 1] / z.x[i];
  return z;
}

double half_square(double x) { return x * x / 2; }

double uniform_open(CounterStream& stream) noexcept { return (static_cast<double>(stream() >> 12) + 0.5) * 0x1.0p-52; }

/// Marsaglia's method beyond the last layer.
double normal_tail(CounterStream& stream) noexcept {
  for (;;) {
    const double x = -std::log(uniform_open(stream)) / kNormalTail, y = -std::log(uniform_open(stream));
    if (2 * y > x * x) return std::min(kNormalTail + x, kLargestNormal);
  }
}

}  // namespace

const Ziggurat kNormalZiggurat = build(
    kNormalTail, kNormalArea, [](double x) { return std::exp(-half_square(x)); },
    [](double y) { return std::sqrt(-2 * std::log(y)); });
const Ziggurat kExponentialZiggurat = build(
    kExponentialTail, kExponentialArea, [](double x) { return std::exp(-x); }, [](double y) { return -std::log(y); });

double finish_normal(CounterStream& stream, std::size_t layer, double u) noexcept {
  if (layer == 0) return std::copysign(normal_tail(stream), u);
  const double x = u * kNormalZiggurat.x[layer];
  const double wide = std::exp(half_square(x) - half_square(kNormalZiggurat.x[layer]));
  const double narrow = std::exp(half_square(x) - half_square(kNormalZiggurat.x[layer + 1]));
  return wide + stream.uniform() * (narrow - wide) < 1 ? x : draw_normal(stream);
}

double finish_exponential(CounterStream& stream, std::size_t layer, double u) noexcept {
  // The tail of an exponential is the exponential again.
  if (layer == 0) return std::min(kExponentialTail + draw_exponential(stream), kLargestExponential);
  const double x = u * kExponentialZiggurat.x[layer];
  const double wide = std::exp(x - kExponentialZiggurat.x[layer]);
  const double narrow = std::exp(x - kExponentialZiggurat.x[layer + 1]);
  return wide + stream.uniform() * (narrow - wide) < 1 ? x : draw_exponential(stream);
}

}  // namespace nicol::sim
