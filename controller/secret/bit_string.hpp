// SPDX-License-Identifier: Apache-2.0
// A secret string of bits in locked pages: bases, bits, raw and final keys. Bit k = word k/64, bit k%64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "controller/secret/locked_key.hpp"
#include "controller/secret/public_bits.hpp"
#include "drivers/hal/random.hpp"

namespace nicol::secret {

constexpr std::size_t words_for(std::size_t bits) { return (bits + 63) / 64; }

/// Move-only. Unused bits of the last word are always zero. Throws LockedMemoryError when it cannot be locked and
/// std::logic_error on mismatched sizes (both bugs). Not thread-safe for writing.
class BitString {
 public:
  BitString() = default;
  BitString(BitString&& other) noexcept : key_(std::move(other.key_)), bits_(std::exchange(other.bits_, 0)) {}
  BitString& operator=(BitString&& other) noexcept {
    if (this == &other) return *this;
    key_ = std::move(other.key_);
    bits_ = std::exchange(other.bits_, 0);
    return *this;
  }
  BitString(const BitString&) = delete;
  BitString& operator=(const BitString&) = delete;
  ~BitString() = default;
  explicit BitString(std::size_t bits);  // all zero; bits may be 0 (no pages)
  static BitString random(std::size_t bits, Random& random, Purpose purpose, std::uint64_t index);
  static BitString from_public(const PublicBits& bits);

  std::size_t size() const noexcept { return bits_; }
  bool empty() const noexcept { return bits_ == 0; }

  /// f(std::span<const std::uint64_t>) / f(std::span<std::uint64_t>) over the words, inside an open scope.
  template <class F>
  decltype(auto) with_read(F&& f) const {
    if (bits_ == 0) return std::forward<F>(f)(std::span<const std::uint64_t>());
    return key_.with_read([&](std::span<const std::byte> s) -> decltype(auto) {
      return std::forward<F>(f)(
          std::span<const std::uint64_t>(reinterpret_cast<const std::uint64_t*>(s.data()), words_for(bits_)));
    });
  }
  template <class F>
  decltype(auto) with_write(F&& f) {
    if (bits_ == 0) return std::forward<F>(f)(std::span<std::uint64_t>());
    return key_.with_write([&](std::span<std::byte> s) -> decltype(auto) {
      return std::forward<F>(f)(std::span<std::uint64_t>(reinterpret_cast<std::uint64_t*>(s.data()), words_for(bits_)));
    });
  }

  void xor_with(const BitString& other);
  std::size_t popcount() const;
  bool parity() const;
  /// The bits where mask is 1, in order (a new string of mask.popcount() bits). Sizes must agree.
  BitString extract(const PublicBits& mask) const;
  BitString slice(std::size_t begin, std::size_t count) const;
  /// Bits permutation[0], permutation[1], …: result bit i = this bit permutation[i]. Any length; each inside the
  /// string.
  BitString permuted(std::span<const std::uint32_t> permutation) const;
  /// Bit i = XOR of bits 0..i.
  BitString prefix_parities() const;
  /// a followed by b.
  static BitString concat(const BitString& a, const BitString& b);
  /// Shrinks to the first `bits` bits; the rest is wiped.
  void truncate(std::size_t bits);
  bool equal_ct(const BitString& other) const;
  /// Deliberate disclosure: these bits leave secrecy. The caller enters them in the block's LeakLedger.
  PublicBits disclose(const PublicBits& mask) const;
  void wipe() noexcept {
    key_.wipe();
    bits_ = 0;
  }
  Backing backing() const noexcept { return key_.backing(); }

 private:
  LockedKey key_;
  std::size_t bits_ = 0;
};

/// Appends bits in batches to locked memory whose capacity is fixed at birth (a block's clicks).
class BitCollector {
 public:
  explicit BitCollector(std::size_t capacity_bits);
  BitCollector(BitCollector&& other) noexcept : bits_(std::move(other.bits_)), used_(std::exchange(other.used_, 0)) {}
  BitCollector& operator=(BitCollector&& other) noexcept {
    bits_ = std::move(other.bits_);
    used_ = std::exchange(other.used_, 0);
    return *this;
  }
  BitCollector(const BitCollector&) = delete;
  BitCollector& operator=(const BitCollector&) = delete;
  ~BitCollector() = default;
  std::size_t size() const noexcept { return used_; }
  std::size_t capacity() const noexcept { return bits_.size(); }
  /// Appends the low `count` bits of words; std::length_error past capacity.
  void append(std::span<const std::uint64_t> words, std::size_t count);
  /// Appends the bits of `source` at these positions.
  void append_selected(const BitString& source, std::span<const std::uint32_t> positions);
  void append(const BitString& bits);
  /// All bits appended, in memory of their own size; the collector is empty and without capacity afterwards.
  BitString finish();

 private:
  BitString bits_;
  std::size_t used_ = 0;
};

}  // namespace nicol::secret
