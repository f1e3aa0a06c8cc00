// SPDX-License-Identifier: Apache-2.0
// CRC-32C by the processor's own instruction: SSE4.2 asked for at run time, ARMv8 where the compiler was told of it.
#include "firmware-protocol/crc.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#include <nmmintrin.h>

#include <atomic>
#include <cstring>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>

#include <cstring>
#endif

namespace nicol::fw {

#if defined(__x86_64__)

namespace {

enum class Known : std::uint8_t { not_asked, no, yes };
// CPUID leaves a virtual machine, which takes longer than the CRC of a frame: asked once. Two threads that ask at the
// same time find the same answer.
std::atomic<Known> instruction{Known::not_asked};

Known ask_processor() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool there = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_SSE4_2) != 0;
  return there ? Known::yes : Known::no;
}

}  // namespace

bool has_crc32c_instruction() noexcept {
  Known known = instruction.load(std::memory_order_relaxed);
  if (known == Known::not_asked) {
    known = ask_processor();
    instruction.store(known, std::memory_order_relaxed);
  }
  return known == Known::yes;
}

__attribute__((target("sse4.2"))) std::uint32_t crc32c_instruction(std::span<const std::uint8_t> bytes,
                                                                   std::uint32_t before) noexcept {
  const std::uint8_t *at = bytes.data(), *const end = at + bytes.size();
  std::uint64_t wide = ~before;
  for (; end - at >= 8; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    wide = _mm_crc32_u64(wide, word);
  }
  auto crc = static_cast<std::uint32_t>(wide);
  for (; at != end; ++at) crc = _mm_crc32_u8(crc, *at);
  return ~crc;
}

#elif defined(__ARM_FEATURE_CRC32)

bool has_crc32c_instruction() noexcept { return true; }

std::uint32_t crc32c_instruction(std::span<const std::uint8_t> bytes, std::uint32_t before) noexcept {
  std::uint32_t crc = ~before;
  const std::uint8_t *at = bytes.data(), *const end = at + bytes.size();
  for (; end - at >= 4; at += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, at, sizeof word);
    crc = __crc32cw(crc, word);
  }
  for (; at != end; ++at) crc = __crc32cb(crc, *at);
  return ~crc;
}

#else

bool has_crc32c_instruction() noexcept { return false; }

std::uint32_t crc32c_instruction(std::span<const std::uint8_t> bytes, std::uint32_t before) noexcept {
  return crc32c_table(bytes, before);
}

#endif

}  // namespace nicol::fw
