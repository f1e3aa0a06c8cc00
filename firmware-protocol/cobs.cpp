// SPDX-License-Identifier: Apache-2.0
// Byte stuffing: every zero is replaced by the distance to the next one.
#include "firmware-protocol/cobs.hpp"

#include <cstring>

namespace nicol::fw {
namespace {

constexpr std::size_t kLongestRun = 254;

}  // namespace

// Writes never overtake reads when `in` is the end of `out`'s memory and `out` holds cobs_bound(in.size()) bytes:
// encode_serial_frame relies on it.
std::size_t cobs_encode(std::span<const std::uint8_t> in, std::span<std::uint8_t> out) noexcept {
  if (out.empty()) return 0;
  std::size_t code_at = 0, used = 1;
  for (const std::uint8_t byte : in) {
    if (byte != 0) {
      if (used == out.size()) return 0;
      out[used++] = byte;
      if (used - code_at - 1 < kLongestRun) continue;
    }
    out[code_at] = static_cast<std::uint8_t>(used - code_at);
    if (used == out.size()) return 0;
    code_at = used++;
  }
  out[code_at] = static_cast<std::uint8_t>(used - code_at);
  return used;
}

std::size_t cobs_decode(std::span<const std::uint8_t> in, std::span<std::uint8_t> out) noexcept {
  std::size_t at = 0, used = 0;
  while (at < in.size()) {
    const std::size_t code = in[at++];
    const std::size_t run = code - 1;
    if (code == 0 || run > in.size() - at || run > out.size() - used) return 0;
    for (std::size_t i = 0; i < run; ++i)
      if (in[at + i] == 0) return 0;
    if (run > 0) std::memmove(out.data() + used, in.data() + at, run);
    at += run;
    used += run;
    if (run == kLongestRun || at == in.size()) continue;
    if (used == out.size()) return 0;
    out[used++] = 0;
  }
  return used;
}

}  // namespace nicol::fw
