// SPDX-License-Identifier: Apache-2.0
// A string of bits that is public or about to be: masks, bases announced, disclosed bits, parities. Ordinary memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nicol::secret {

/// Bit k = word k/64, bit k%64; unused bits of the last word are zero.
class PublicBits {
 public:
  PublicBits() = default;
  explicit PublicBits(std::size_t bits) : words_((bits + 63) / 64), bits_(bits) {}

  std::size_t size() const noexcept { return bits_; }
  bool empty() const noexcept { return bits_ == 0; }
  bool get(std::size_t i) const { return ((words_[i / 64] >> (i % 64)) & 1) != 0; }
  void set(std::size_t i, bool v) {
    const std::uint64_t m = std::uint64_t{1} << (i % 64);
    words_[i / 64] = v ? (words_[i / 64] | m) : (words_[i / 64] & ~m);
  }
  void push_back(bool v) {
    if (bits_ % 64 == 0) words_.push_back(0);
    ++bits_;
    if (v) set(bits_ - 1, true);
  }
  std::vector<std::uint64_t>& words() { return words_; }
  const std::vector<std::uint64_t>& words() const { return words_; }
  std::size_t popcount() const;
  PublicBits complement() const;
  /// The bits where mask is 1, in order. Sizes must agree, else std::logic_error.
  PublicBits extract(const PublicBits& mask) const;
  /// The inverse: these bits, in order, where mask is 1; zero elsewhere. size() must be mask.popcount().
  PublicBits deposit(const PublicBits& mask) const;
  /// Number of positions where the two differ; sizes must agree.
  std::size_t distance(const PublicBits& other) const;
  bool operator==(const PublicBits&) const = default;

 private:
  std::vector<std::uint64_t> words_;
  std::size_t bits_ = 0;
};

}  // namespace nicol::secret
