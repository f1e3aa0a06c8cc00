// SPDX-License-Identifier: Apache-2.0
// The transform in vectors of four floats, which every 64-bit processor has.
#include "controller/detection/pairs/transform_kernel.hpp"

namespace nicol::detection::pairs::detail {
namespace {

using Four = TransformKernel<Vector4>;

void forward(float* re, float* im, const Plan& plan) { Four::forward(re, im, plan); }
void inverse(float* re, float* im, const Plan& plan) { Four::inverse(re, im, plan); }
void multiply_conjugate(float* re, float* im, const float* b_re, const float* b_im, std::size_t n) {
  Four::multiply_conjugate(re, im, b_re, b_im, n);
}
void add_rows(float* sums, float* maxima, const float* const* rows, std::size_t count, std::size_t blocks) {
  Four::add_rows(sums, maxima, rows, count, blocks);
}

}  // namespace

const Kernel kPortableTransform{forward, inverse, multiply_conjugate, add_rows};

}  // namespace nicol::detection::pairs::detail
