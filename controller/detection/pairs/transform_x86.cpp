// SPDX-License-Identifier: Apache-2.0
// The same transform in vectors of eight floats, for processors that have them. (Sixteen were no faster: the passes
// wait for the cache.)
#if defined(__x86_64__)
#include "controller/detection/pairs/transform_kernel.hpp"

namespace nicol::detection::pairs::detail {
namespace {

#define NICOL_AVX2 [[gnu::target("avx2")]]
using Eight = TransformKernel<Vector8>;

NICOL_AVX2 void forward(float* re, float* im, const Plan& plan) { Eight::forward(re, im, plan); }
NICOL_AVX2 void inverse(float* re, float* im, const Plan& plan) { Eight::inverse(re, im, plan); }
NICOL_AVX2 void multiply_conjugate(float* re, float* im, const float* b_re, const float* b_im, std::size_t n) {
  Eight::multiply_conjugate(re, im, b_re, b_im, n);
}
NICOL_AVX2 void add_rows(float* sums, float* maxima, const float* const* rows, std::size_t count, std::size_t blocks) {
  Eight::add_rows(sums, maxima, rows, count, blocks);
}

}  // namespace

const Kernel kAvx2Transform{forward, inverse, multiply_conjugate, add_rows};

}  // namespace nicol::detection::pairs::detail
#endif
