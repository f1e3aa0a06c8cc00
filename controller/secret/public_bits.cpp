// SPDX-License-Identifier: Apache-2.0
// Public bit strings: counting, comparing, selecting.
#include "controller/secret/public_bits.hpp"

#include <bit>
#include <stdexcept>

#include "controller/secret/bit_ops.hpp"

namespace nicol::secret {
namespace {

void require_equal(std::size_t a, std::size_t b) {
  if (a != b) throw std::logic_error("public bit strings of different sizes");
}

}  // namespace

std::size_t PublicBits::popcount() const { return bits::popcount(words_); }

PublicBits PublicBits::complement() const {
  PublicBits result(bits_);
  for (std::size_t i = 0; i < words_.size(); ++i) result.words_[i] = ~words_[i];
  bits::clear_tail(result.words_, bits_);
  return result;
}

PublicBits PublicBits::extract(const PublicBits& mask) const {
  require_equal(bits_, mask.bits_);
  PublicBits result(mask.popcount());
  bits::extract(words_, mask.words_, result.words_);
  return result;
}

PublicBits PublicBits::deposit(const PublicBits& mask) const {
  require_equal(bits_, mask.popcount());
  PublicBits result(mask.bits_);
  bits::deposit(words_, mask.words_, result.words_);
  return result;
}

std::size_t PublicBits::distance(const PublicBits& other) const {
  require_equal(bits_, other.bits_);
  std::size_t sum = 0;
  for (std::size_t i = 0; i < words_.size(); ++i)
    sum += static_cast<std::size_t>(std::popcount(words_[i] ^ other.words_[i]));
  return sum;
}

}  // namespace nicol::secret
