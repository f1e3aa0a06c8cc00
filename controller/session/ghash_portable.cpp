// SPDX-License-Identifier: Apache-2.0
// GHASH on any machine, constant time: no table, no branch and no address depends on the key.
#include <cstring>

#include "controller/session/ghash.hpp"

namespace nicol::session::detail {
namespace {

struct Element {
  std::uint64_t low, high;
};

std::uint64_t load_little(const std::uint8_t* p) {
  std::uint64_t v = 0;
  for (unsigned i = 0; i < 8; ++i) v |= static_cast<std::uint64_t>(p[i]) << (8 * i);
  return v;
}
std::uint64_t load_big(const std::uint8_t* p) {
  std::uint64_t v = 0;
  for (unsigned i = 0; i < 8; ++i) v = (v << 8) | p[i];
  return v;
}
Element load(const std::uint8_t* p) { return {load_little(p), load_little(p + 8)}; }
void store(std::uint8_t* p, Element e) {
  for (unsigned i = 0; i < 8; ++i) {
    p[i] = static_cast<std::uint8_t>(e.low >> (8 * i));
    p[i + 8] = static_cast<std::uint8_t>(e.high >> (8 * i));
  }
}

std::uint64_t reverse_bits(std::uint64_t x) {
  x = ((x >> 1) & 0x5555555555555555u) | ((x & 0x5555555555555555u) << 1);
  x = ((x >> 2) & 0x3333333333333333u) | ((x & 0x3333333333333333u) << 2);
  x = ((x >> 4) & 0x0f0f0f0f0f0f0f0fu) | ((x & 0x0f0f0f0f0f0f0f0fu) << 4);
  return __builtin_bswap64(x);
}

// Low half of a carry-less product by ordinary multiplication: with three empty bits between any two, at most 16 terms
// meet in a column, so a carry cannot reach the next column that is kept (the 16th carries out of the word).
std::uint64_t carryless_low(std::uint64_t x, std::uint64_t y) {
  constexpr std::uint64_t kEveryFourth = 0x1111111111111111u;
  std::uint64_t product = 0;
  for (unsigned column = 0; column < 4; ++column) {
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < 4; ++i) sum ^= (x & (kEveryFourth << i)) * (y & (kEveryFourth << ((column - i) & 3)));
    product |= sum & (kEveryFourth << column);
  }
  return product;
}

Element carryless(std::uint64_t x, std::uint64_t y) {
  return {carryless_low(x, y), reverse_bits(carryless_low(reverse_bits(x), reverse_bits(y))) >> 1};
}

// Times x^63 + x^62 + x^57: the low word of the field polynomial seen from its top.
Element fold(std::uint64_t x) { return {(x << 63) ^ (x << 62) ^ (x << 57), (x >> 1) ^ (x >> 2) ^ (x >> 7)}; }

Element multiply(Element a, Element b) {
  const Element low = carryless(a.low, b.low), high = carryless(a.high, b.high);
  Element middle = carryless(a.low ^ a.high, b.low ^ b.high);
  middle = {middle.low ^ low.low ^ high.low, middle.high ^ low.high ^ high.high};
  const std::uint64_t w0 = low.low, w1 = low.high ^ middle.low, w2 = high.low ^ middle.high, w3 = high.high;
  const Element t = fold(w0);
  const std::uint64_t v0 = w1 ^ t.low, v1 = w0 ^ t.high;
  const Element u = fold(v0);
  return {w2 ^ v1 ^ u.low, w3 ^ v0 ^ u.high};
}

}  // namespace

void extend_portable(GhashState& state, std::size_t count) noexcept {
  const Element alpha = load(state.power(1));
  for (std::size_t k = 2; k <= count; ++k) store(state.power(k), multiply(load(state.power(k - 1)), alpha));
}

void blocks_portable(GhashState& state, const std::uint8_t* data, std::size_t count) noexcept {
  const Element alpha = load(state.power(1));
  Element sum = load(state.accumulator);
  for (std::size_t i = 0; i < count; ++i, data += 16)
    sum = multiply({sum.low ^ load_big(data + 8), sum.high ^ load_big(data)}, alpha);
  store(state.accumulator, sum);
}

}  // namespace nicol::session::detail
