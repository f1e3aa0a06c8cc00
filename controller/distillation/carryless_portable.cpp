// SPDX-License-Identifier: Apache-2.0
// The Toeplitz block on any processor, from word products in constant time.
#include <array>

#include "controller/distillation/carryless.hpp"

namespace nicol::distillation::detail {

namespace {

void combine(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b, std::size_t words) {
  for (std::size_t i = 0; i < words; ++i) out[i] = a[i] ^ b[i];
}

void accumulate(std::uint64_t* out, const std::uint64_t* a, std::size_t words) {
  for (std::size_t i = 0; i < words; ++i) out[i] ^= a[i];
}

/// Three or fewer words: every product of an input word with a diagonal word serves two output words.
template <std::size_t W>
void schoolbook(std::uint64_t* out, const std::uint64_t* s, const std::uint64_t* v) {
  for (std::size_t i = 0; i < W; ++i) out[i] = 0;
  for (std::size_t j = 0; j < W; ++j) {
    for (std::size_t m = 0; m <= W; ++m) {
      const WordProduct product = carryless_product(v[j], s[W - 1 - j + m]);
      if (m < W) out[m] ^= product.high;
      if (m > 0) out[m - 1] ^= product.low;
    }
  }
}

template <std::size_t W>
void block_of(std::uint64_t* out, const std::uint64_t* s, const std::uint64_t* v) {
  if constexpr (W <= 3) {
    schoolbook<W>(out, s, v);
  } else {
    constexpr std::size_t half = W / 2;
    std::array<std::uint64_t, 3 * half> diagonals;
    std::array<std::uint64_t, half> folded, shared;
    combine(diagonals.data(), s, s + half, 3 * half);
    combine(folded.data(), v, v + half, half);
    block_of<half>(shared.data(), s + half, folded.data());
    block_of<half>(out, diagonals.data(), v + half);
    block_of<half>(out + half, diagonals.data() + half, v);
    accumulate(out, shared.data(), half);
    accumulate(out + half, shared.data(), half);
  }
}

void block(std::uint64_t* out, const std::uint64_t* s, const std::uint64_t* v, std::size_t words) {
  switch (words) {
    case 16:
      return block_of<16>(out, s, v);
    case 24:
      return block_of<24>(out, s, v);
    default:
      return block_of<32>(out, s, v);
  }
}

}  // namespace

const ToeplitzKernel kPortableKernel{block, combine, accumulate};

}  // namespace nicol::distillation::detail
