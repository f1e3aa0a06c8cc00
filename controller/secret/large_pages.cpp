// SPDX-License-Identifier: Apache-2.0
// madvise(2) over the whole large pages inside.
#include "controller/secret/large_pages.hpp"

#include <sys/mman.h>

#include <cstdint>

namespace nicol::secret {

void prefer_large_pages(void* memory, std::size_t bytes) noexcept {
  constexpr std::uintptr_t kLarge = std::uintptr_t{1} << 21;
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t first = (begin + kLarge - 1) / kLarge * kLarge, last = (begin + bytes) / kLarge * kLarge;
  if (first >= last) return;
  [[maybe_unused]] const int taken =
      madvise(static_cast<std::byte*>(memory) + (first - begin), last - first, MADV_HUGEPAGE);
}

}  // namespace nicol::secret
