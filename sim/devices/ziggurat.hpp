// SPDX-License-Identifier: Apache-2.0
// Fast exact draws from a falling density: Marsaglia and Tsang, "The ziggurat method for generating random variables",
// J. Stat. Softw. 5 (2000) 8, in the form of Doornik (2005), which takes layer and abscissa from different bits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "drivers/hal/random.hpp"

namespace nicol::sim {

inline constexpr std::size_t kZigguratLayers = 256;

/// x[i]: width of layer i, widest first; ratio[i] = x[i + 1] / x[i]: below it a point of the layer is under the
/// density.
struct Ziggurat {
  std::array<double, kZigguratLayers + 1> x{};
  std::array<double, kZigguratLayers> ratio{};
};
extern const Ziggurat kNormalZiggurat, kExponentialZiggurat;

/// The rare rest of a draw: the edge of a layer, or the tail. `layer` and `u` are what the fast path took.
double finish_normal(CounterStream& stream, std::size_t layer, double u) noexcept;
double finish_exponential(CounterStream& stream, std::size_t layer, double u) noexcept;

/// Standard normal; |.| < kLargestNormal.
inline double draw_normal(CounterStream& stream) noexcept {
  const std::uint64_t word = stream();
  const std::size_t layer = word % kZigguratLayers;
  const double u = static_cast<double>(static_cast<std::int64_t>(word) >> 10) * 0x1.0p-53;  // -1..1
  if (u < kNormalZiggurat.ratio[layer] && -u < kNormalZiggurat.ratio[layer]) return u * kNormalZiggurat.x[layer];
  return finish_normal(stream, layer, u);
}
/// Mean 1; < kLargestExponential.
inline double draw_exponential(CounterStream& stream) noexcept {
  const std::uint64_t word = stream();
  const std::size_t layer = word % kZigguratLayers;
  const double u = static_cast<double>(word >> 11) * 0x1.0p-53;
  if (u < kExponentialZiggurat.ratio[layer]) return u * kExponentialZiggurat.x[layer];
  return finish_exponential(stream, layer, u);
}

}  // namespace nicol::sim
