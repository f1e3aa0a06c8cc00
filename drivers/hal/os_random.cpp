// SPDX-License-Identifier: Apache-2.0
// Randomness of the operating system: seeds, session ids, pre-shared keys, and every draw of a real rig.
#include "drivers/hal/os_random.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "drivers/hal/random.hpp"

namespace nicol {

void fill_from(GetRandom source, std::span<std::byte> out) noexcept {
  while (!out.empty()) {
    const ssize_t got = source(out.data(), out.size(), 0);
    if (got > 0 && static_cast<std::size_t>(got) <= out.size()) {
      out = out.subspan(static_cast<std::size_t>(got));
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    std::fputs("nicol: the operating system's random source failed; stopping rather than guessing\n", stderr);
    std::abort();
  }
}

void os_random_fill(std::span<std::byte> out) noexcept { fill_from(&::getrandom, out); }

}  // namespace nicol
