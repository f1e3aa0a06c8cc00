// SPDX-License-Identifier: Apache-2.0
// Tables of a transform, and which instruction set runs it.
#include "controller/detection/pairs/transform.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace nicol::detection::pairs {
namespace {

const detail::Kernel& kernel_of(TransformPath path) {
#if defined(__x86_64__)
  if (path == TransformPath::avx2) return detail::kAvx2Transform;
#endif
  (void)path;
  return detail::kPortableTransform;
}

struct Turn {
  float cosine, sine;
};
/// exp(-2 pi i part / whole)
Turn turn(std::size_t part, std::size_t whole) {
  const double angle = -2 * std::numbers::pi * static_cast<double>(part % whole) / static_cast<double>(whole);
  return {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
}

}  // namespace

AlignedFloats aligned_floats(std::size_t n) {
  auto* p = static_cast<float*>(::operator new[](n * sizeof(float), std::align_val_t{kAlignment}));
  std::fill_n(p, n, 0.0F);
  return AlignedFloats(p);
}

std::vector<TransformPath> transform_paths() {
  std::vector<TransformPath> paths{TransformPath::portable};
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2")) paths.push_back(TransformPath::avx2);
#endif
  return paths;
}

Transform::Transform(unsigned log2_size) : Transform(log2_size, transform_paths().back()) {}

Transform::Transform(unsigned log2_size, TransformPath path) : kernel_(kernel_of(path)) {
  if (log2_size < 8 || log2_size > 24) throw std::logic_error("a transform has 2^8 to 2^24 numbers");
  plan_.rows = (std::size_t{1} << log2_size) / kLanes;
  plan_.low_rows = std::min<std::size_t>(plan_.rows, 256);
  add_passes();
  add_row_factors();
}

float* Transform::keep(std::size_t n) {
  tables_.push_back(aligned_floats((n + kLanes - 1) / kLanes * kLanes));
  return tables_.back().get();
}

void Transform::add_passes() {
  const auto factors_for = [this](std::size_t block) {
    float* const factors = keep(6 * block / 4);
    for (std::size_t j = 0; j < block / 4; ++j)
      for (std::size_t k = 0; k < 3; ++k) {
        const Turn t = turn((k + 1) * j, block);
        factors[6 * j + 2 * k] = t.cosine, factors[6 * j + 2 * k + 1] = t.sine;
      }
    return factors;
  };
  std::size_t block = plan_.rows;
  for (; block >= 4; block /= 4) plan_.passes.push_back({block, factors_for(block)});
  if (block == 2) plan_.passes.push_back({2, nullptr});
  plan_.sixteenth = factors_for(16);
}

/// The passes leave column frequencies in digit-reversed rows.
std::size_t Transform::frequency_of_row(std::size_t row) const noexcept {
  std::size_t frequency = 0, weight = 1;
  for (const detail::Pass& pass : plan_.passes) {
    const std::size_t radix = pass.block == 2 ? 2 : 4, part = pass.block / radix;
    frequency += row / part * weight;
    row %= part;
    weight *= radix;
  }
  return frequency;
}

void Transform::add_row_factors() {
  const auto table = [this](std::size_t count, std::size_t stride, const float*& re, const float*& im) {
    float *const c = keep(kLanes * count), *const s = keep(kLanes * count);
    for (std::size_t row = 0; row < count; ++row)
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const Turn t = turn(lane * frequency_of_row(row * stride), size());
        c[kLanes * row + lane] = t.cosine, s[kLanes * row + lane] = t.sine;
      }
    re = c, im = s;
  };
  table(plan_.low_rows, 1, plan_.low_re, plan_.low_im);
  table(plan_.rows / plan_.low_rows, plan_.low_rows, plan_.high_re, plan_.high_im);
}

}  // namespace nicol::detection::pairs
