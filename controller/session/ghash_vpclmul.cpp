// SPDX-License-Identifier: Apache-2.0
// GHASH with the 512-bit carry-less multiply (AVX-512, VPCLMULQDQ): 32 blocks to a reduction, 4 to a register.
#include "controller/session/ghash.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

// The header of GCC 12 leaves don't-care operands uninitialised on purpose and warns of it (GCC bug 105593).
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#define NICOL_VPCLMUL __attribute__((target("vpclmulqdq,pclmul,avx512f,avx512bw")))

namespace nicol::session::detail {
namespace {

NICOL_VPCLMUL inline __m512i load(const std::uint8_t* p) { return _mm512_loadu_si512(p); }
NICOL_VPCLMUL inline __m512i load_blocks(const std::uint8_t* p) {
  const __m512i order = _mm512_broadcast_i32x4(_mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
  return _mm512_shuffle_epi8(load(p), order);
}

struct Product {
  __m512i low, middle, high;
};
NICOL_VPCLMUL inline Product multiply_add(Product p, __m512i a, __m512i b) {
  p.low = _mm512_xor_si512(p.low, _mm512_clmulepi64_epi128(a, b, 0x00));
  p.high = _mm512_xor_si512(p.high, _mm512_clmulepi64_epi128(a, b, 0x11));
  p.middle = _mm512_ternarylogic_epi64(p.middle, _mm512_clmulepi64_epi128(a, b, 0x01),
                                       _mm512_clmulepi64_epi128(a, b, 0x10), 0x96);
  return p;
}
NICOL_VPCLMUL inline Product nothing() {
  return {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
}

// Each of the four lanes by itself; same folds as in the 128-bit kernel.
NICOL_VPCLMUL inline __m512i reduce(Product p) {
  const __m512i polynomial = _mm512_set1_epi64(static_cast<long long>(0xc200000000000000u));
  __m512i low = _mm512_xor_si512(p.low, _mm512_bslli_epi128(p.middle, 8));
  const __m512i high = _mm512_xor_si512(p.high, _mm512_bsrli_epi128(p.middle, 8));
  for (int i = 0; i < 2; ++i)
    low = _mm512_xor_si512(_mm512_shuffle_epi32(low, _MM_PERM_BADC), _mm512_clmulepi64_epi128(low, polynomial, 0x00));
  return _mm512_xor_si512(low, high);
}
NICOL_VPCLMUL inline __m512i sum_lanes(__m512i x) {
  const __m256i half = _mm256_xor_si256(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
  return _mm512_zextsi128_si512(_mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1)));
}
// Lanes are added before the reduction, which costs the same for one lane as for four.
NICOL_VPCLMUL inline __m512i reduce_sum(Product p) {
  return reduce({sum_lanes(p.low), sum_lanes(p.middle), sum_lanes(p.high)});
}

}  // namespace

NICOL_VPCLMUL void extend_vpclmul(GhashState& state, std::size_t count) noexcept {
  extend_pclmul(state, count < 4 ? count : 4);
  // alpha^(k+4) .. alpha^(k+1) = (alpha^4 .. alpha^1) alpha^k, four at a time, k = 4, 8, …
  const __m512i first = load(state.power(4));
  const __m512i fourth = _mm512_broadcast_i32x4(_mm512_castsi512_si128(first));
  __m512i last = first;
  for (std::size_t k = 4; k < count; k += 4) {
    last = reduce(multiply_add(nothing(), last, fourth));
    _mm512_storeu_si512(state.power(k + 4), last);
  }
}

NICOL_VPCLMUL void blocks_vpclmul(GhashState& state, const std::uint8_t* data, std::size_t count) noexcept {
  __m512i sum = _mm512_zextsi128_si512(_mm_loadu_si128(reinterpret_cast<const __m128i*>(state.accumulator)));
  for (; count >= kGhashPowers; count -= kGhashPowers, data += 16 * kGhashPowers) {
    Product p = multiply_add(nothing(), _mm512_xor_si512(sum, load_blocks(data)), load(state.power(kGhashPowers)));
#pragma GCC unroll 8
    for (std::size_t i = 4; i < kGhashPowers; i += 4)
      p = multiply_add(p, load_blocks(data + 16 * i), load(state.power(kGhashPowers - i)));
    sum = reduce_sum(p);
  }
  for (; count >= 4; count -= 4, data += 64)
    sum = reduce_sum(multiply_add(nothing(), _mm512_xor_si512(sum, load_blocks(data)), load(state.power(4))));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.accumulator), _mm512_castsi512_si128(sum));
  if (count != 0) blocks_pclmul(state, data, count);
}

}  // namespace nicol::session::detail

#else

namespace nicol::session::detail {
// available_ghash_kernels() never names it here; the portable kernel gives the same bits.
void extend_vpclmul(GhashState& state, std::size_t count) noexcept { extend_portable(state, count); }
void blocks_vpclmul(GhashState& state, const std::uint8_t* data, std::size_t count) noexcept {
  blocks_portable(state, data, count);
}
}  // namespace nicol::session::detail

#endif
