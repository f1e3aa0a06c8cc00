// SPDX-License-Identifier: Apache-2.0
// GHASH with the 128-bit carry-less multiply of x86, eight blocks to a reduction.
#include "controller/session/ghash.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#define NICOL_PCLMUL __attribute__((target("pclmul,sse4.1,ssse3")))

namespace nicol::session::detail {
namespace {

NICOL_PCLMUL inline __m128i load(const std::uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
NICOL_PCLMUL inline __m128i load_block(const std::uint8_t* p) {
  const __m128i order = _mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  return _mm_shuffle_epi8(load(p), order);
}

struct Product {
  __m128i low, middle, high;
};
NICOL_PCLMUL inline Product multiply(__m128i a, __m128i b) {
  return {_mm_clmulepi64_si128(a, b, 0x00),
          _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10)),
          _mm_clmulepi64_si128(a, b, 0x11)};
}
NICOL_PCLMUL inline Product add(Product a, Product b) {
  return {_mm_xor_si128(a.low, b.low), _mm_xor_si128(a.middle, b.middle), _mm_xor_si128(a.high, b.high)};
}
// Two folds of 64 bits from below (Montgomery form, RFC 8452 appendix A).
NICOL_PCLMUL inline __m128i reduce(Product p) {
  const __m128i polynomial = _mm_set_epi64x(0, static_cast<long long>(0xc200000000000000u));
  __m128i low = _mm_xor_si128(p.low, _mm_slli_si128(p.middle, 8));
  const __m128i high = _mm_xor_si128(p.high, _mm_srli_si128(p.middle, 8));
  for (int i = 0; i < 2; ++i)
    low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4e), _mm_clmulepi64_si128(low, polynomial, 0x00));
  return _mm_xor_si128(low, high);
}

}  // namespace

NICOL_PCLMUL void extend_pclmul(GhashState& state, std::size_t count) noexcept {
  const __m128i alpha = load(state.power(1));
  __m128i power = alpha;
  for (std::size_t k = 2; k <= count; ++k) {
    power = reduce(multiply(power, alpha));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state.power(k)), power);
  }
}

NICOL_PCLMUL void blocks_pclmul(GhashState& state, const std::uint8_t* data, std::size_t count) noexcept {
  __m128i sum = load(state.accumulator);
  for (; count >= 8; count -= 8, data += 128) {
    Product p = multiply(_mm_xor_si128(sum, load_block(data)), load(state.power(8)));
    for (std::size_t i = 1; i < 8; ++i) p = add(p, multiply(load_block(data + 16 * i), load(state.power(8 - i))));
    sum = reduce(p);
  }
  const __m128i alpha = load(state.power(1));
  for (; count != 0; --count, data += 16) sum = reduce(multiply(_mm_xor_si128(sum, load_block(data)), alpha));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.accumulator), sum);
}

}  // namespace nicol::session::detail

#else

namespace nicol::session::detail {
// available_ghash_kernels() never names it here; the portable kernel gives the same bits.
void extend_pclmul(GhashState& state, std::size_t count) noexcept { extend_portable(state, count); }
void blocks_pclmul(GhashState& state, const std::uint8_t* data, std::size_t count) noexcept {
  blocks_portable(state, data, count);
}
}  // namespace nicol::session::detail

#endif
