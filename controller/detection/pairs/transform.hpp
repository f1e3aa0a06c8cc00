// SPDX-License-Identifier: Apache-2.0
// The Fourier transform behind the offset search: complex floats, a power of two of them, in place. The spectrum's
// order is private, which is enough to multiply two spectra and go back, and saves the reordering.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace nicol::detection::pairs {

inline constexpr std::size_t kLanes = 16, kAlignment = 64, kSumBlock = 64;

struct AlignedDelete {
  void operator()(float* p) const noexcept { ::operator delete[](p, std::align_val_t{kAlignment}); }
};
using AlignedFloats = std::unique_ptr<float[], AlignedDelete>;
/// All zero.
AlignedFloats aligned_floats(std::size_t n);

/// `size` complex numbers, real and imaginary parts apart.
struct Grid {
  explicit Grid(std::size_t n) : size(n), re(aligned_floats(n)), im(aligned_floats(n)) {}
  std::size_t size;
  AlignedFloats re, im;
};

namespace detail {

/// One radix-4 pass over blocks of rows (or the last one of radix 2, which needs no factors).
struct Pass {
  std::size_t block = 0;           // rows
  const float* factors = nullptr;  // cos and sin of one, two and three times the angle, for each row of a quarter
};
/// All that a kernel reads; the numbers are laid out in rows of kLanes.
struct Plan {
  std::size_t rows = 0, low_rows = 0;
  std::vector<Pass> passes;
  const float *low_re = nullptr, *low_im = nullptr, *high_re = nullptr, *high_im = nullptr;
  const float* sixteenth = nullptr;
};
struct Kernel {
  void (*forward)(float* re, float* im, const Plan& plan);
  void (*inverse)(float* re, float* im, const Plan& plan);
  /// z *= conj(b)
  void (*multiply_conjugate)(float* re, float* im, const float* b_re, const float* b_im, std::size_t n);
  /// sums[i] = rows[0][i] + … over `blocks` blocks of kSumBlock; maxima: the largest of each block. Rows need not be
  /// aligned, sums is.
  void (*add_rows)(float* sums, float* maxima, const float* const* rows, std::size_t count, std::size_t blocks);
};
extern const Kernel kPortableTransform;
#if defined(__x86_64__)
extern const Kernel kAvx2Transform;
#endif

}  // namespace detail

enum class TransformPath : unsigned char { portable, avx2 };
/// What this processor can run, best last; each gives the same bits.
std::vector<TransformPath> transform_paths();

/// Not normalised: inverse(forward(z)) = size * z. Const calls from several threads are safe.
class Transform {
 public:
  /// 2^8 to 2^24 numbers.
  explicit Transform(unsigned log2_size);
  Transform(unsigned log2_size, TransformPath path);
  std::size_t size() const noexcept { return kLanes * plan_.rows; }
  void forward(Grid& z) const noexcept { kernel_.forward(z.re.get(), z.im.get(), plan_); }
  void inverse(Grid& z) const noexcept { kernel_.inverse(z.re.get(), z.im.get(), plan_); }
  /// Both spectra.
  void multiply_conjugate(Grid& z, const Grid& b) const noexcept {
    kernel_.multiply_conjugate(z.re.get(), z.im.get(), b.re.get(), b.im.get(), z.size);
  }
  void add_rows(float* sums, float* maxima, const std::vector<const float*>& rows, std::size_t blocks) const noexcept {
    kernel_.add_rows(sums, maxima, rows.data(), rows.size(), blocks);
  }

 private:
  float* keep(std::size_t n);
  void add_passes();
  void add_row_factors();
  std::size_t frequency_of_row(std::size_t row) const noexcept;

  detail::Plan plan_;
  const detail::Kernel& kernel_;
  std::vector<AlignedFloats> tables_;
};

}  // namespace nicol::detection::pairs
