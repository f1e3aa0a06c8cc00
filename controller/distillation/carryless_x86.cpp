// SPDX-License-Identifier: Apache-2.0
// The Toeplitz block with PCLMULQDQ (128-bit lanes) and VPCLMULQDQ (four lanes at once). With S_m the lanes of the
// diagonals, V_i those of the input and L lanes a side, output lane k is E_k + (O_k << 64) + (O_{k-1} >> 64), where
// E_k = sum_i lo(V_i) lo(S_{L+k-i}) + hi(V_i) hi(S_{L+k-i-1}) and O_k = sum_i lo hi + hi lo of V_i and S_{L+k-i}.
#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"  // g++ 12's own header trips it when inlined (PR 105593)
#endif
#include <immintrin.h>

#include "controller/distillation/carryless.hpp"

namespace nicol::distillation::detail {

namespace {

#define NICOL_PCLMUL [[gnu::target("sse2,pclmul")]]
#define NICOL_VPCLMUL [[gnu::target("avx512f,avx512vl,pclmul,vpclmulqdq")]]

NICOL_PCLMUL inline __m128i lane(const std::uint64_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

/// Four output lanes, 4 group .. 4 group + 3.
NICOL_PCLMUL inline void four_lanes(std::uint64_t* out, const std::uint64_t* s, const std::uint64_t* v,
                                    std::size_t lanes, std::size_t group) {
  __m128i even[4], odd[5];
  for (auto& x : even) x = _mm_setzero_si128();
  for (auto& x : odd) x = _mm_setzero_si128();
  for (std::size_t i = 0; i < lanes; ++i) {
    const __m128i input = lane(v + 2 * i);
    const std::uint64_t* p = s + 2 * (lanes + 4 * group - i) - 2;
#pragma GCC unroll 5
    for (int k = 0; k < 5; ++k) {
      const __m128i diagonal = lane(p + 2 * k);
      const __m128i cross =
          _mm_xor_si128(_mm_clmulepi64_si128(input, diagonal, 0x10), _mm_clmulepi64_si128(input, diagonal, 0x01));
      odd[k] = _mm_xor_si128(odd[k], cross);
      if (k > 0) even[k - 1] = _mm_xor_si128(even[k - 1], _mm_clmulepi64_si128(input, diagonal, 0x00));
      if (k < 4) even[k] = _mm_xor_si128(even[k], _mm_clmulepi64_si128(input, diagonal, 0x11));
    }
  }
  for (int k = 0; k < 4; ++k) {
    const __m128i middle = _mm_xor_si128(_mm_slli_si128(odd[k + 1], 8), _mm_srli_si128(odd[k], 8));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 8 * group + 2 * static_cast<std::size_t>(k)),
                     _mm_xor_si128(even[k], middle));
  }
}

NICOL_PCLMUL void block_128(std::uint64_t* out, const std::uint64_t* s, const std::uint64_t* v, std::size_t words) {
  for (std::size_t group = 0; group < words / 8; ++group) four_lanes(out, s, v, words / 2, group);
}

NICOL_PCLMUL void combine_128(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b, std::size_t words) {
  std::size_t i = 0;
  for (; i + 2 <= words; i += 2)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), _mm_xor_si128(lane(a + i), lane(b + i)));
  if (i < words) out[i] = a[i] ^ b[i];
}

NICOL_PCLMUL void accumulate_128(std::uint64_t* out, const std::uint64_t* a, std::size_t words) {
  combine_128(out, out, a, words);
}

/// 8 Groups words; all sums stay in registers.
template <std::size_t Groups>
NICOL_VPCLMUL inline void block_of(std::uint64_t* out, const std::uint64_t* s, const std::uint64_t* v) {
  constexpr std::size_t lanes = 4 * Groups;
  __m512i even[Groups], odd[Groups + 1];  // odd[g] holds O_k for k = 4g-1 .. 4g+2
  for (auto& x : even) x = _mm512_setzero_si512();
  for (auto& x : odd) x = _mm512_setzero_si512();
  for (std::size_t i = 0; i < lanes; ++i) {
    const __m512i input = _mm512_broadcast_i32x4(lane(v + 2 * i));
    const std::uint64_t* p = s + 2 * (lanes - i);
#pragma GCC unroll 5
    for (std::size_t g = 0; g <= Groups; ++g) {
      const __m512i before = _mm512_loadu_si512(p + 8 * g - 2);
      odd[g] = _mm512_ternarylogic_epi64(odd[g], _mm512_clmulepi64_epi128(input, before, 0x10),
                                         _mm512_clmulepi64_epi128(input, before, 0x01), 0x96);
      if (g == Groups) continue;
      const __m512i here = _mm512_loadu_si512(p + 8 * g);
      even[g] = _mm512_ternarylogic_epi64(even[g], _mm512_clmulepi64_epi128(input, here, 0x00),
                                          _mm512_clmulepi64_epi128(input, before, 0x11), 0x96);
    }
  }
  const __m512i interleave = _mm512_setr_epi64(1, 8, 3, 10, 5, 12, 7, 14);
#pragma GCC unroll 4
  for (std::size_t g = 0; g < Groups; ++g) {
    const __m512i next = _mm512_alignr_epi64(odd[g + 1], odd[g], 2);
    const __m512i middle = _mm512_permutex2var_epi64(odd[g], interleave, next);
    _mm512_storeu_si512(out + 8 * g, _mm512_xor_si512(even[g], middle));
  }
}

NICOL_VPCLMUL void block_512(std::uint64_t* out, const std::uint64_t* s, const std::uint64_t* v, std::size_t words) {
  switch (words) {
    case 16:
      return block_of<2>(out, s, v);
    case 24:
      return block_of<3>(out, s, v);
    default:
      return block_of<4>(out, s, v);
  }
}

NICOL_VPCLMUL void combine_512(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b, std::size_t words) {
  std::size_t i = 0;
  for (; i + 8 <= words; i += 8)
    _mm512_storeu_si512(out + i, _mm512_xor_si512(_mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i)));
  for (; i < words; ++i) out[i] = a[i] ^ b[i];
}

NICOL_VPCLMUL void accumulate_512(std::uint64_t* out, const std::uint64_t* a, std::size_t words) {
  combine_512(out, out, a, words);
}

}  // namespace

const ToeplitzKernel kPclmulKernel{32, block_128, combine_128, accumulate_128};
const ToeplitzKernel kVpclmulKernel{32, block_512, combine_512, accumulate_512};

}  // namespace nicol::distillation::detail
#endif
