// SPDX-License-Identifier: Apache-2.0
// GHASH over a stream of bytes: which kernel, the partial block, padding and the length block.
#include "controller/session/ghash.hpp"

#include <algorithm>
#include <cstring>

namespace nicol::session {

std::vector<GhashKernel> available_ghash_kernels() {
  std::vector<GhashKernel> found{GhashKernel::portable};
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool pclmul = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  if (pclmul) found.push_back(GhashKernel::pclmul);
  if (pclmul && __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw"))
    found.push_back(GhashKernel::vpclmul);
#endif
  return found;
}

namespace detail {
namespace {

// A block as a field element: the first byte holds the lowest powers in its highest bits, hence the reversal; one more
// factor x makes up for the missing bit of a reflected product. The mask keeps the carry out of a branch.
void to_field_times_x(const std::uint8_t* block, std::uint8_t* out) {
  std::uint8_t reversed[16];
  std::reverse_copy(block, block + 16, reversed);
  const auto top = static_cast<std::uint8_t>(0u - (reversed[15] >> 7));
  unsigned carry = 0;
  for (int i = 0; i < 16; ++i) {
    const unsigned shifted = (static_cast<unsigned>(reversed[i]) << 1) | carry;
    carry = shifted >> 8;
    out[i] = static_cast<std::uint8_t>(shifted);
  }
  out[15] = static_cast<std::uint8_t>(out[15] ^ (top & 0xc2));
  out[0] = static_cast<std::uint8_t>(out[0] ^ (top & 0x01));
  explicit_bzero(reversed, sizeof reversed);
}

void extend(GhashState& state, std::size_t count, GhashKernel kernel) {
  switch (kernel) {
    case GhashKernel::portable:
      return extend_portable(state, count);
    case GhashKernel::pclmul:
      return extend_pclmul(state, count);
    case GhashKernel::vpclmul:
      return extend_vpclmul(state, count);
  }
}

void blocks(GhashState& state, const std::uint8_t* data, std::size_t count, GhashKernel kernel) {
  switch (kernel) {
    case GhashKernel::portable:
      return blocks_portable(state, data, count);
    case GhashKernel::pclmul:
      return blocks_pclmul(state, data, count);
    case GhashKernel::vpclmul:
      return blocks_vpclmul(state, data, count);
  }
}

}  // namespace

std::size_t powers_used(GhashKernel kernel) noexcept {
  switch (kernel) {
    case GhashKernel::portable:
      return 1;
    case GhashKernel::pclmul:
      return 8;
    case GhashKernel::vpclmul:
      return kGhashPowers;
  }
  return 1;
}

GhashKernel best_ghash_kernel() noexcept {
  static const GhashKernel best = available_ghash_kernels().back();
  return best;
}

void start(GhashState& state, std::span<const std::uint8_t, 16> alpha, std::size_t powers, GhashKernel kernel) {
  std::memset(&state, 0, sizeof state);
  to_field_times_x(alpha.data(), state.power(1));
  extend(state, std::clamp<std::size_t>(powers, 1, powers_used(kernel)), kernel);
}

void absorb(GhashState& state, std::uint64_t before, std::span<const std::uint8_t> bytes, GhashKernel kernel) {
  if (bytes.empty()) return;
  const std::size_t held = before % 16;
  if (held != 0) {
    const std::size_t fill = std::min<std::size_t>(16 - held, bytes.size());
    std::memcpy(state.partial + held, bytes.data(), fill);
    bytes = bytes.subspan(fill);
    if (held + fill < 16) return;
    blocks(state, state.partial, 1, kernel);
  }
  const std::size_t whole = bytes.size() / 16;
  if (whole != 0) blocks(state, bytes.data(), whole, kernel);
  const std::span<const std::uint8_t> rest = bytes.subspan(16 * whole);
  if (!rest.empty()) std::memcpy(state.partial, rest.data(), rest.size());
}

void finish(GhashState& state, std::uint64_t bytes, GhashKernel kernel) {
  if (const std::size_t held = bytes % 16; held != 0) {
    std::memset(state.partial + held, 0, 16 - held);
    blocks(state, state.partial, 1, kernel);
  }
  std::uint8_t lengths[16] = {};  // [len(A)]_64 || [len(C)]_64 in bits, big-endian; A is empty
  for (unsigned i = 0; i < 8; ++i) lengths[15 - i] = static_cast<std::uint8_t>((bytes * 8) >> (8 * i));
  blocks(state, lengths, 1, kernel);
  std::reverse(state.accumulator, state.accumulator + 16);
}

}  // namespace detail
}  // namespace nicol::session
