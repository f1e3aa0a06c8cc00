// SPDX-License-Identifier: Apache-2.0
// Toeplitz hashing y_i = XOR_j s[i-j+N-1] x_j in sub-quadratic time: the matrix is cut into square blocks, each block
// into halves whose four products need only three (Toeplitz matrix-vector product, Fan-Hasan 2007, equation 5).
#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

#include "controller/distillation/amplification.hpp"
#include "controller/distillation/carryless.hpp"

namespace nicol::distillation {

namespace {

using detail::ToeplitzKernel;

constexpr std::size_t words_of(std::uint64_t bits) { return static_cast<std::size_t>((bits + 63) / 64); }

/// The matrix as rows x columns square blocks of `words` words; padding is zero.
struct Tiling {
  std::size_t words = 0, rows = 0, columns = 0;
  std::size_t input_words() const { return words * columns; }
  std::size_t output_words() const { return words * rows; }
  std::size_t seed_words() const { return words * (rows + columns) + detail::kReadPast; }
  /// Per level three half-size diagonals, one input, one product: 5/2 of its size, 5 in all.
  std::size_t stack_words() const { return 5 * words + detail::kReadPast; }
};

Tiling tile(std::uint64_t input_bits, std::uint64_t output_bits) {
  const std::size_t in = std::max<std::size_t>(words_of(input_bits), 1);
  const std::size_t out = std::max<std::size_t>(words_of(output_bits), 1);
  Tiling best;
  double best_cost = INFINITY;
  for (const std::size_t base : detail::kBaseWords) {
    double block_cost = static_cast<double>(base * base);
    for (std::size_t words = base;; words *= 2, block_cost *= 3) {
      const Tiling t{words, (out + words - 1) / words, (in + words - 1) / words};
      const double cost = block_cost * static_cast<double>(t.rows * t.columns);
      if (cost < best_cost) best_cost = cost, best = t;
      if (t.rows == 1) break;
    }
  }
  return best;
}

void multiply(const ToeplitzKernel& kernel, std::uint64_t* out, const std::uint64_t* s, const std::uint64_t* v,
              std::size_t words, std::uint64_t* stack) {
  if (words <= kernel.largest_block) return kernel.block(out, s, v, words);
  const std::size_t half = words / 2;
  std::uint64_t* const diagonals = stack;
  std::uint64_t* const folded = diagonals + 3 * half;
  std::uint64_t* const shared = folded + half;
  std::uint64_t* const rest = shared + half;
  kernel.combine(diagonals, s, s + half, 3 * half);
  kernel.combine(folded, v, v + half, half);
  multiply(kernel, out, diagonals, v + half, half, rest);
  multiply(kernel, out + half, diagonals + half, v, half, rest);
  multiply(kernel, shared, s + half, folded, half, rest);
  kernel.accumulate(out, shared, half);
  kernel.accumulate(out + half, shared, half);
}

/// to[shift + k] = from[k] for k < bits; the rest of `to` is zero.
void copy_shifted(std::span<std::uint64_t> to, std::span<const std::uint64_t> from, std::uint64_t bits,
                  std::uint64_t shift) {
  std::fill(to.begin(), to.end(), std::uint64_t{0});
  const std::size_t first = static_cast<std::size_t>(shift / 64);
  const unsigned offset = static_cast<unsigned>(shift % 64);
  const std::size_t words = words_of(bits);
  for (std::size_t i = 0; i < words; ++i) {
    const std::uint64_t keep = i + 1 == words && bits % 64 != 0 ? (std::uint64_t{1} << (bits % 64)) - 1 : ~0ull;
    const std::uint64_t word = from[i] & keep;
    to[first + i] |= word << offset;
    if (offset != 0 && first + i + 1 < to.size()) to[first + i + 1] |= word >> (64 - offset);
  }
}

const ToeplitzKernel& implementation(CarrylessKernel kernel) {
#if defined(__x86_64__)
  if (kernel == CarrylessKernel::pclmul) return detail::kPclmulKernel;
  if (kernel == CarrylessKernel::vpclmul) return detail::kVpclmulKernel;
#endif
  if (kernel != CarrylessKernel::portable) throw std::invalid_argument("this machine lacks that carry-less kernel");
  return detail::kPortableKernel;
}

}  // namespace

std::string_view to_string(CarrylessKernel k) noexcept {
  switch (k) {
    case CarrylessKernel::portable:
      return "portable";
    case CarrylessKernel::pclmul:
      return "pclmul";
    case CarrylessKernel::vpclmul:
      return "vpclmul";
  }
  return "unknown";
}

std::vector<CarrylessKernel> available_kernels() {
  std::vector<CarrylessKernel> found{CarrylessKernel::portable};
#if defined(__x86_64__)
  const bool pclmul = __builtin_cpu_supports("pclmul") != 0;
  if (pclmul) found.push_back(CarrylessKernel::pclmul);
  if (pclmul && __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512vl"))
    found.push_back(CarrylessKernel::vpclmul);
#endif
  return found;
}

CarrylessKernel best_kernel() noexcept {
  static const CarrylessKernel best = available_kernels().back();
  return best;
}

std::size_t toeplitz_scratch_words(std::uint64_t input_bits, std::uint64_t output_bits) {
  const Tiling t = tile(input_bits, output_bits);
  return t.seed_words() + t.input_words() + t.output_words() + t.words + t.stack_words();
}

void toeplitz(std::span<const std::uint64_t> seed, std::span<const std::uint64_t> input, std::uint64_t input_bits,
              std::uint64_t output_bits, std::span<std::uint64_t> out, std::span<std::uint64_t> scratch,
              CarrylessKernel kernel) {
  if (input_bits == 0 || output_bits == 0) return std::fill(out.begin(), out.end(), std::uint64_t{0});
  const Tiling t = tile(input_bits, output_bits);
  const std::uint64_t seed_bits = input_bits + output_bits - 1;
  if (seed.size() < words_of(seed_bits) || input.size() < words_of(input_bits) || out.size() < words_of(output_bits) ||
      scratch.size() < toeplitz_scratch_words(input_bits, output_bits))
    throw std::length_error("toeplitz: a buffer is shorter than its bits");
  const ToeplitzKernel& k = implementation(kernel);
  const auto diagonals = scratch.first(t.seed_words());
  const auto padded = scratch.subspan(diagonals.size(), t.input_words());
  const auto sum = scratch.subspan(diagonals.size() + padded.size(), t.output_words());
  const auto product = scratch.subspan(diagonals.size() + padded.size() + sum.size(), t.words);
  std::uint64_t* const stack = product.data() + product.size();
  copy_shifted(diagonals, seed, seed_bits, 64 * t.input_words() - input_bits + 1);
  copy_shifted(padded, input, input_bits, 0);
  std::fill(sum.begin(), sum.end(), std::uint64_t{0});
  for (std::size_t row = 0; row < t.rows; ++row) {
    for (std::size_t column = 0; column < t.columns; ++column) {
      const std::uint64_t* s = diagonals.data() + (t.columns - 1 + row - column) * t.words;
      multiply(k, product.data(), s, padded.data() + column * t.words, t.words, stack);
      k.accumulate(sum.data() + row * t.words, product.data(), t.words);
    }
  }
  std::copy_n(sum.begin(), words_of(output_bits), out.begin());
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(words_of(output_bits)), out.end(), std::uint64_t{0});
  if (output_bits % 64 != 0) out[words_of(output_bits) - 1] &= (std::uint64_t{1} << (output_bits % 64)) - 1;
}

}  // namespace nicol::distillation
