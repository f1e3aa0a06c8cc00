// SPDX-License-Identifier: Apache-2.0
// Secret bit strings: every operation goes from locked pages to locked pages, a word at a time.
#include "controller/secret/bit_string.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "controller/secret/bit_ops.hpp"
#include "controller/secret/constant_time.hpp"

namespace nicol::secret {
namespace {

void require_equal(std::size_t a, std::size_t b) {
  if (a != b) throw std::logic_error("bit strings of different sizes");
}

void require_inside(std::span<const std::uint32_t> positions, std::size_t size) {
  if (positions.empty()) return;
  std::uint32_t largest = 0;
  for (const std::uint32_t p : positions) largest = std::max(largest, p);
  if (largest >= size) throw std::logic_error("bit position outside the bit string");
}

/// f(words to read, words to write), both open at once.
template <class F>
void with_both(const BitString& from, BitString& to, F&& f) {
  from.with_read([&](bits::ConstWords in) { to.with_write([&](bits::Words out) { f(in, out); }); });
}

}  // namespace

BitString::BitString(std::size_t bits) : bits_(bits) {
  if (bits > 0) key_ = LockedKey(words_for(bits) * sizeof(std::uint64_t));
}

BitString BitString::random(std::size_t bits, Random& random, Purpose purpose, std::uint64_t index) {
  BitString result(bits);
  result.with_write([&](bits::Words words) {
    random.fill(purpose, index, std::as_writable_bytes(words));
    bits::clear_tail(words, bits);
  });
  return result;
}

BitString BitString::from_public(const PublicBits& bits) {
  BitString result(bits.size());
  result.with_write([&](bits::Words words) { std::copy_n(bits.words().begin(), words.size(), words.begin()); });
  return result;
}

void BitString::xor_with(const BitString& other) {
  require_equal(bits_, other.bits_);
  with_both(other, *this, [](bits::ConstWords in, bits::Words out) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] ^= in[i];
  });
}

std::size_t BitString::popcount() const {
  return with_read([](bits::ConstWords words) { return bits::popcount(words); });
}

bool BitString::parity() const {
  return with_read([](bits::ConstWords words) { return bits::parity(words) != 0; });
}

BitString BitString::extract(const PublicBits& mask) const {
  require_equal(bits_, mask.size());
  BitString result(mask.popcount());
  with_both(*this, result, [&](bits::ConstWords in, bits::Words out) { bits::extract(in, mask.words(), out); });
  return result;
}

BitString BitString::slice(std::size_t begin, std::size_t count) const {
  if (begin > bits_ || count > bits_ - begin) throw std::logic_error("slice outside the bit string");
  BitString result(count);
  with_both(*this, result, [&](bits::ConstWords in, bits::Words out) { bits::copy(in, begin, out, 0, count); });
  return result;
}

BitString BitString::permuted(std::span<const std::uint32_t> permutation) const {
  require_inside(permutation, bits_);
  BitString result(permutation.size());
  with_both(*this, result, [&](bits::ConstWords in, bits::Words out) { bits::gather(in, permutation, out, 0); });
  return result;
}

BitString BitString::prefix_parities() const {
  BitString result(bits_);
  with_both(*this, result, [&](bits::ConstWords in, bits::Words out) {
    bits::prefix_parities(in, out);
    bits::clear_tail(out, bits_);
  });
  return result;
}

BitString BitString::concat(const BitString& a, const BitString& b) {
  BitString result(a.bits_ + b.bits_);
  with_both(a, result, [&](bits::ConstWords in, bits::Words out) { bits::copy(in, 0, out, 0, a.bits_); });
  with_both(b, result, [&](bits::ConstWords in, bits::Words out) { bits::copy(in, 0, out, a.bits_, b.bits_); });
  return result;
}

void BitString::truncate(std::size_t bits) {
  if (bits > bits_) throw std::logic_error("truncation to more bits than there are");
  if (bits == 0) return wipe();
  if (bits == bits_) return;
  const std::size_t before = words_for(bits_), after = words_for(bits);
  // Memory of the smaller size puts the guard page back behind the last word; without room for it the rest is zeroed.
  if (after < before) {
    if (auto smaller = LockedKey::create(after * sizeof(std::uint64_t)); smaller.ok()) {
      key_.with_read([&](std::span<const std::byte> old) {
        smaller->with_write([&](std::span<std::byte> s) { std::memcpy(s.data(), old.data(), s.size()); });
      });
      key_ = std::move(smaller).value();
    } else {
      with_write([&](bits::Words words) { secret::wipe(std::as_writable_bytes(words.subspan(after))); });
    }
  }
  bits_ = bits;
  with_write([&](bits::Words words) { bits::clear_tail(words, bits); });
}

bool BitString::equal_ct(const BitString& other) const {
  if (bits_ != other.bits_) return false;
  return with_read([&](bits::ConstWords a) {
    return other.with_read([&](bits::ConstWords b) { return secret::equal_ct(std::as_bytes(a), std::as_bytes(b)); });
  });
}

PublicBits BitString::disclose(const PublicBits& mask) const {
  require_equal(bits_, mask.size());
  PublicBits result(mask.popcount());
  with_read([&](bits::ConstWords words) { bits::extract(words, mask.words(), result.words()); });
  return result;
}

}  // namespace nicol::secret
