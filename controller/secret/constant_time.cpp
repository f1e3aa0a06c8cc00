// SPDX-License-Identifier: Apache-2.0
// Constant-time comparison and guaranteed erasure.
#include "controller/secret/constant_time.hpp"

#include <string.h>

#include <cstring>

namespace nicol::secret {
namespace {

std::uint64_t difference(const unsigned char* a, const unsigned char* b, std::size_t n) noexcept {
  std::uint64_t all = 0;
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    std::uint64_t x = 0, y = 0;
    std::memcpy(&x, a + i, 8);
    std::memcpy(&y, b + i, 8);
    all |= x ^ y;
  }
  for (; i < n; ++i) all |= static_cast<std::uint64_t>(a[i] ^ b[i]);
  // Hides the value from the optimiser: knowing that only "zero or not" matters, it might leave the loop early.
  __asm__ volatile("" : "+r"(all));
  return all;
}

}  // namespace

bool equal_ct(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) noexcept {
  return a.size() == b.size() && difference(a.data(), b.data(), a.size()) == 0;
}

bool equal_ct(std::span<const std::byte> a, std::span<const std::byte> b) noexcept {
  return a.size() == b.size() && difference(reinterpret_cast<const unsigned char*>(a.data()),
                                            reinterpret_cast<const unsigned char*>(b.data()), a.size()) == 0;
}

void wipe(std::span<std::byte> memory) noexcept {
  if (!memory.empty()) explicit_bzero(memory.data(), memory.size());
}

void wipe(std::span<std::uint8_t> memory) noexcept { wipe(std::as_writable_bytes(memory)); }

}  // namespace nicol::secret
