// SPDX-License-Identifier: Apache-2.0
// The transform for vectors of four or eight floats; each translation unit instantiates it for one instruction set. The
// numbers form a matrix of rows of sixteen: radix-4 passes run down the columns (decimation in frequency, no
// reordering), then each block of sixteen rows is turned by the twiddle factors, transposed and transformed along what
// were its rows.
#pragma once

#include <utility>

#include "controller/detection/pairs/transform.hpp"

namespace nicol::detection::pairs::detail {

#define NICOL_INLINE [[gnu::always_inline]] inline

using Vector4 = float __attribute__((vector_size(16)));
using Vector8 = float __attribute__((vector_size(32)));

inline constexpr std::size_t kCachedRows = 1024;  // re and im: 128 KiB

template <class V>
struct TransformKernel {
  static constexpr std::size_t kWidth = sizeof(V) / sizeof(float), kParts = kLanes / kWidth;

  NICOL_INLINE static V& at(float* p, std::size_t row, std::size_t part) {
    return *reinterpret_cast<V*>(p + kLanes * row + kWidth * part);
  }
  NICOL_INLINE static const V& at(const float* p, std::size_t row, std::size_t part) {
    return *reinterpret_cast<const V*>(p + kLanes * row + kWidth * part);
  }

  /// Four numbers to their transform, in place; c: the factors that follow (null: none).
  NICOL_INLINE static void butterfly(V& r0, V& i0, V& r1, V& i1, V& r2, V& i2, V& r3, V& i3, const float* c) {
    const V t0r = r0 + r2, t0i = i0 + i2, t1r = r0 - r2, t1i = i0 - i2;
    const V t2r = r1 + r3, t2i = i1 + i3, t3r = i1 - i3, t3i = r3 - r1;
    r0 = t0r + t2r, i0 = t0i + t2i;
    const V y1r = t1r + t3r, y1i = t1i + t3i, y2r = t0r - t2r, y2i = t0i - t2i, y3r = t1r - t3r, y3i = t1i - t3i;
    if (c == nullptr) {
      r1 = y1r, i1 = y1i, r2 = y2r, i2 = y2i, r3 = y3r, i3 = y3i;
      return;
    }
    r1 = y1r * c[0] - y1i * c[1], i1 = y1r * c[1] + y1i * c[0];
    r2 = y2r * c[2] - y2i * c[3], i2 = y2r * c[3] + y2i * c[2];
    r3 = y3r * c[4] - y3i * c[5], i3 = y3r * c[5] + y3i * c[4];
  }
  /// Undoes it, but for the factor four.
  NICOL_INLINE static void unbutterfly(V& r0, V& i0, V& r1, V& i1, V& r2, V& i2, V& r3, V& i3, const float* c) {
    V a1r = r1, a1i = i1, a2r = r2, a2i = i2, a3r = r3, a3i = i3;
    if (c != nullptr) {
      a1r = r1 * c[0] + i1 * c[1], a1i = i1 * c[0] - r1 * c[1];
      a2r = r2 * c[2] + i2 * c[3], a2i = i2 * c[2] - r2 * c[3];
      a3r = r3 * c[4] + i3 * c[5], a3i = i3 * c[4] - r3 * c[5];
    }
    const V t0r = r0 + a2r, t0i = i0 + a2i, t1r = r0 - a2r, t1i = i0 - a2i;
    const V t2r = a1r + a3r, t2i = a1i + a3i, t3r = a3i - a1i, t3i = a1r - a3r;
    r0 = t0r + t2r, i0 = t0i + t2i, r1 = t1r + t3r, i1 = t1i + t3i;
    r2 = t0r - t2r, i2 = t0i - t2i, r3 = t1r - t3r, i3 = t1i - t3i;
  }

  template <bool kForward>
  NICOL_INLINE static void radix4(float* re, float* im, std::size_t block, const float* factors) {
    const std::size_t q = block / 4;
    for (std::size_t j = 0; j < q; ++j)
      for (std::size_t p = 0; p < kParts; ++p) {
        V r[4], i[4];
        for (std::size_t k = 0; k < 4; ++k) r[k] = at(re, j + k * q, p), i[k] = at(im, j + k * q, p);
        if constexpr (kForward)
          butterfly(r[0], i[0], r[1], i[1], r[2], i[2], r[3], i[3], factors + 6 * j);
        else
          unbutterfly(r[0], i[0], r[1], i[1], r[2], i[2], r[3], i[3], factors + 6 * j);
        for (std::size_t k = 0; k < 4; ++k) at(re, j + k * q, p) = r[k], at(im, j + k * q, p) = i[k];
      }
  }
  NICOL_INLINE static void radix2(float* re, float* im) {
    for (std::size_t p = 0; p < kParts; ++p) {
      const V r0 = at(re, 0, p), r1 = at(re, 1, p), i0 = at(im, 0, p), i1 = at(im, 1, p);
      at(re, 0, p) = r0 + r1, at(re, 1, p) = r0 - r1, at(im, 0, p) = i0 + i1, at(im, 1, p) = i0 - i1;
    }
  }
  template <bool kForward>
  NICOL_INLINE static void pass(float* re, float* im, const Pass& step, std::size_t begin, std::size_t end) {
    if (step.block == 2)
      for (std::size_t b = begin; b < end; b += 2) radix2(re + kLanes * b, im + kLanes * b);
    else
      for (std::size_t b = begin; b < end; b += step.block)
        radix4<kForward>(re + kLanes * b, im + kLanes * b, step.block, step.factors);
  }

  template <std::size_t kDistance, std::size_t... kIndex>
  NICOL_INLINE static void exchange(V& first, V& second, std::index_sequence<kIndex...>) {
    const V a = first, b = second;
    first = __builtin_shufflevector(a, b, ((kIndex & kDistance) != 0 ? kWidth + kIndex - kDistance : kIndex)...);
    second = __builtin_shufflevector(a, b, ((kIndex & kDistance) != 0 ? kWidth + kIndex : kIndex + kDistance)...);
  }
  template <std::size_t kDistance>
  NICOL_INLINE static void transpose_step(V* x) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kWidth; ++i)
      if ((i & kDistance) == 0) exchange<kDistance>(x[i], x[i + kDistance], std::make_index_sequence<kWidth>());
    if constexpr (kDistance > 1) transpose_step<kDistance / 2>(x);
  }
  /// kWidth vectors of kWidth numbers.
  NICOL_INLINE static void transpose(V* x) { transpose_step<kWidth / 2>(x); }

  /// Along the sixteen vectors: one pass of quarters, one of neighbours.
  NICOL_INLINE static void sixteen(V* r, V* i, const float* c) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j)
      butterfly(r[j], i[j], r[j + 4], i[j + 4], r[j + 8], i[j + 8], r[j + 12], i[j + 12], c + 6 * j);
#pragma GCC unroll 4
    for (std::size_t k = 0; k < 16; k += 4)
      butterfly(r[k], i[k], r[k + 1], i[k + 1], r[k + 2], i[k + 2], r[k + 3], i[k + 3], nullptr);
  }
  NICOL_INLINE static void unsixteen(V* r, V* i, const float* c) {
#pragma GCC unroll 4
    for (std::size_t k = 0; k < 16; k += 4)
      unbutterfly(r[k], i[k], r[k + 1], i[k + 1], r[k + 2], i[k + 2], r[k + 3], i[k + 3], nullptr);
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j)
      unbutterfly(r[j], i[j], r[j + 4], i[j + 4], r[j + 8], i[j + 8], r[j + 12], i[j + 12], c + 6 * j);
  }

  /// The factor of this row, of which the tables hold two parts.
  NICOL_INLINE static void factor(const Plan& plan, std::size_t row, std::size_t part, V& c, V& s) {
    const std::size_t high = row / plan.low_rows, low = row % plan.low_rows;
    const V hc = at(plan.high_re, high, part), hs = at(plan.high_im, high, part);
    const V lc = at(plan.low_re, low, part), ls = at(plan.low_im, low, part);
    c = hc * lc - hs * ls, s = hc * ls + hs * lc;
  }
  NICOL_INLINE static void rows_forward(float* re, float* im, std::size_t row, const Plan& plan) {
    V r[kParts][kLanes], i[kParts][kLanes];  // [block of rows][column]
#pragma GCC unroll 4
    for (std::size_t block = 0; block < kParts; ++block)
#pragma GCC unroll 4
      for (std::size_t part = 0; part < kParts; ++part) {
        V* const to_r = r[block] + kWidth * part;
        V* const to_i = i[block] + kWidth * part;
#pragma GCC unroll 16
        for (std::size_t k = 0; k < kWidth; ++k) {
          const std::size_t at_row = row + kWidth * block + k;
          V c, s;
          factor(plan, at_row, part, c, s);
          const V x = at(re, at_row, part), y = at(im, at_row, part);
          to_r[k] = x * c - y * s, to_i[k] = x * s + y * c;
        }
        transpose(to_r), transpose(to_i);
      }
#pragma GCC unroll 4
    for (std::size_t block = 0; block < kParts; ++block) {
      sixteen(r[block], i[block], plan.sixteenth);
#pragma GCC unroll 16
      for (std::size_t k = 0; k < kLanes; ++k)
        at(re, row + k, block) = r[block][k], at(im, row + k, block) = i[block][k];
    }
  }
  NICOL_INLINE static void rows_inverse(float* re, float* im, std::size_t row, const Plan& plan) {
    V r[kParts][kLanes], i[kParts][kLanes];
#pragma GCC unroll 4
    for (std::size_t block = 0; block < kParts; ++block) {
#pragma GCC unroll 16
      for (std::size_t k = 0; k < kLanes; ++k)
        r[block][k] = at(re, row + k, block), i[block][k] = at(im, row + k, block);
      unsixteen(r[block], i[block], plan.sixteenth);
    }
#pragma GCC unroll 4
    for (std::size_t block = 0; block < kParts; ++block)
#pragma GCC unroll 4
      for (std::size_t part = 0; part < kParts; ++part) {
        V* const from_r = r[block] + kWidth * part;
        V* const from_i = i[block] + kWidth * part;
        transpose(from_r), transpose(from_i);
#pragma GCC unroll 16
        for (std::size_t k = 0; k < kWidth; ++k) {
          const std::size_t at_row = row + kWidth * block + k;
          V c, s;
          factor(plan, at_row, part, c, s);
          at(re, at_row, part) = from_r[k] * c + from_i[k] * s, at(im, at_row, part) = from_i[k] * c - from_r[k] * s;
        }
      }
  }

  /// Passes of large blocks go through memory; the rest is done block by block while it lies in the cache.
  NICOL_INLINE static std::size_t first_cached(const Plan& plan) {
    std::size_t p = 0;
    while (plan.passes[p].block > kCachedRows) ++p;
    return p;
  }
  NICOL_INLINE static void forward(float* re, float* im, const Plan& plan) {
    const std::size_t cached = first_cached(plan), chunk = plan.passes[cached].block;
    for (std::size_t s = 0; s < cached; ++s) pass<true>(re, im, plan.passes[s], 0, plan.rows);
    for (std::size_t begin = 0; begin < plan.rows; begin += chunk) {
      for (std::size_t s = cached; s < plan.passes.size(); ++s)
        pass<true>(re, im, plan.passes[s], begin, begin + chunk);
      for (std::size_t row = begin; row < begin + chunk; row += kLanes) rows_forward(re, im, row, plan);
    }
  }
  NICOL_INLINE static void inverse(float* re, float* im, const Plan& plan) {
    const std::size_t cached = first_cached(plan), chunk = plan.passes[cached].block;
    for (std::size_t begin = 0; begin < plan.rows; begin += chunk) {
      for (std::size_t row = begin; row < begin + chunk; row += kLanes) rows_inverse(re, im, row, plan);
      for (std::size_t s = plan.passes.size(); s-- > cached;) pass<false>(re, im, plan.passes[s], begin, begin + chunk);
    }
    for (std::size_t s = cached; s-- > 0;) pass<false>(re, im, plan.passes[s], 0, plan.rows);
  }
  NICOL_INLINE static void multiply_conjugate(float* re, float* im, const float* b_re, const float* b_im,
                                              std::size_t n) {
    for (std::size_t k = 0; k < n / kLanes; ++k)
      for (std::size_t p = 0; p < kParts; ++p) {
        const V x = at(re, k, p), y = at(im, k, p), c = at(b_re, k, p), s = at(b_im, k, p);
        at(re, k, p) = x * c + y * s, at(im, k, p) = y * c - x * s;
      }
  }
  NICOL_INLINE static void add_rows(float* sums, float* maxima, const float* const* rows, std::size_t count,
                                    std::size_t blocks) {
    using Loose [[gnu::aligned(4)]] = V;
    constexpr std::size_t kTogether = 4, kStep = kTogether * kWidth;
    for (std::size_t block = 0; block < blocks; ++block) {
      V largest = {};
      for (std::size_t k = block * kSumBlock; k < (block + 1) * kSumBlock; k += kStep) {
        V x[kTogether] = {};
        for (std::size_t row = 0; row < count; ++row) {
#pragma GCC unroll 4
          for (std::size_t t = 0; t < kTogether; ++t)
            x[t] += *reinterpret_cast<const Loose*>(rows[row] + k + kWidth * t);
        }
#pragma GCC unroll 4
        for (std::size_t t = 0; t < kTogether; ++t) {
          *reinterpret_cast<V*>(sums + k + kWidth * t) = x[t];
          largest = x[t] > largest ? x[t] : largest;
        }
      }
      float most = 0;
      for (std::size_t lane = 0; lane < kWidth; ++lane) most = largest[lane] > most ? largest[lane] : most;
      maxima[block] = most;
    }
  }
};

#undef NICOL_INLINE

}  // namespace nicol::detection::pairs::detail
