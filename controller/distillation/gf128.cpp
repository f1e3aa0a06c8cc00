// SPDX-License-Identifier: Apache-2.0
// The polynomial hash of verification: Horner's rule over GF(2^128), with PCLMULQDQ where the processor has it.
#include "controller/distillation/gf128.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace nicol::distillation::detail {

namespace {

#if defined(__x86_64__)
[[gnu::target("sse2,pclmul")]] inline __m128i multiply_128(__m128i a, __m128i b) {
  const __m128i modulus = _mm_set_epi64x(0, 0x87);
  __m128i low = _mm_clmulepi64_si128(a, b, 0x00);
  __m128i high = _mm_clmulepi64_si128(a, b, 0x11);
  const __m128i mid = _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10));
  low = _mm_xor_si128(low, _mm_slli_si128(mid, 8));
  high = _mm_xor_si128(high, _mm_srli_si128(mid, 8));
  const __m128i upper = _mm_clmulepi64_si128(high, modulus, 0x01);
  low = _mm_xor_si128(low, _mm_slli_si128(upper, 8));
  high = _mm_xor_si128(high, _mm_srli_si128(upper, 8));
  return _mm_xor_si128(low, _mm_clmulepi64_si128(high, modulus, 0x00));
}

[[gnu::target("sse2,pclmul")]] Gf128 horner_128(std::span<const std::uint64_t> words, std::uint64_t bits, Gf128 key) {
  const __m128i h = _mm_set_epi64x(static_cast<long long>(key.high), static_cast<long long>(key.low));
  __m128i sum = _mm_setzero_si128();
  for (std::size_t i = 0; i < words.size(); i += 2) {
    const std::uint64_t upper = i + 1 < words.size() ? words[i + 1] : 0;
    const __m128i block = _mm_set_epi64x(static_cast<long long>(upper), static_cast<long long>(words[i]));
    sum = multiply_128(_mm_xor_si128(sum, block), h);
  }
  sum = multiply_128(_mm_xor_si128(sum, _mm_set_epi64x(0, static_cast<long long>(bits))), h);
  const auto low = static_cast<std::uint64_t>(_mm_cvtsi128_si64(sum));
  return {low, static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_srli_si128(sum, 8)))};
}
#endif

}  // namespace

Gf128 polynomial_hash_portable(std::span<const std::uint64_t> words, std::uint64_t bits, Gf128 key) {
  Gf128 sum;
  for (std::size_t i = 0; i < words.size(); i += 2)
    sum = multiply(sum ^ Gf128{words[i], i + 1 < words.size() ? words[i + 1] : 0}, key);
  return multiply(sum ^ Gf128{bits, 0}, key);
}

Gf128 polynomial_hash(std::span<const std::uint64_t> words, std::uint64_t bits, Gf128 key) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("pclmul")) return horner_128(words, bits, key);
#endif
  return polynomial_hash_portable(words, bits, key);
}

}  // namespace nicol::distillation::detail
