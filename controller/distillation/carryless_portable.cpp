// SPDX-License-Identifier: Apache-2.0
// The Toeplitz block on any processor, from word products in constant time.
#include "controller/distillation/carryless.hpp"

namespace nicol::distillation::detail {

namespace {

void combine(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b, std::size_t words) {
  for (std::size_t i = 0; i < words; ++i) out[i] = a[i] ^ b[i];
}

void accumulate(std::uint64_t* out, const std::uint64_t* a, std::size_t words) {
  for (std::size_t i = 0; i < words; ++i) out[i] ^= a[i];
}

/// Every product of an input word with a diagonal word serves two output words.
void block(std::uint64_t* out, const std::uint64_t* s, const std::uint64_t* v, std::size_t words) {
  for (std::size_t i = 0; i < words; ++i) out[i] = 0;
  for (std::size_t j = 0; j < words; ++j) {
    for (std::size_t m = 0; m <= words; ++m) {
      const WordProduct product = carryless_product(v[j], s[words - 1 - j + m]);
      if (m < words) out[m] ^= product.high;
      if (m > 0) out[m - 1] ^= product.low;
    }
  }
}

}  // namespace

const ToeplitzKernel kPortableKernel{3, block, combine, accumulate};

}  // namespace nicol::distillation::detail
