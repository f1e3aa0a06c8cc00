// SPDX-License-Identifier: Apache-2.0
// Bit strings as vectors of bool: the slow and obvious way that the word-wise code is compared with.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "controller/secret/bit_string.hpp"

namespace nicol::secret {

using Bools = std::vector<bool>;

inline Bools random_bools(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  Bools bits(size);
  for (std::size_t i = 0; i < size; ++i) bits[i] = (engine() >> 40 & 1) != 0;
  return bits;
}

inline PublicBits to_public(const Bools& bits) {
  PublicBits result(bits.size());
  for (std::size_t i = 0; i < bits.size(); ++i) result.set(i, bits[i]);
  return result;
}

inline Bools to_bools(const PublicBits& bits) {
  Bools result(bits.size());
  for (std::size_t i = 0; i < bits.size(); ++i) result[i] = bits.get(i);
  return result;
}

inline BitString to_secret(const Bools& bits) { return BitString::from_public(to_public(bits)); }

inline Bools to_bools(const BitString& bits) {
  PublicBits all(bits.size());
  for (std::size_t i = 0; i < bits.size(); ++i) all.set(i, true);
  return to_bools(bits.disclose(all));
}

inline bool tail_is_zero(const BitString& bits) {
  return bits.with_read([&](std::span<const std::uint64_t> words) {
    return bits.size() % 64 == 0 || words.back() >> (bits.size() % 64) == 0;
  });
}

inline bool tail_is_zero(const PublicBits& bits) {
  return bits.size() % 64 == 0 || bits.words().back() >> (bits.size() % 64) == 0;
}

/// Sizes at which words begin, end, and pages end.
inline const std::vector<std::size_t> awkward_sizes = {0, 1, 2, 63, 64, 65, 127, 128, 129, 1000, 4095, 32768, 33001};

}  // namespace nicol::secret
