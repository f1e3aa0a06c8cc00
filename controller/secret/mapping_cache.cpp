// SPDX-License-Identifier: Apache-2.0
// Erased regions waiting for the next key.
#include "controller/secret/mapping_cache.hpp"

#include <algorithm>

namespace nicol::secret::detail {

std::optional<Mapping> MappingCache::take(std::size_t inner_size, Backing backing) noexcept {
  std::size_t best = count_;
  for (std::size_t i = 0; i < count_; ++i) {
    const Mapping& candidate = regions_[i];
    const bool fits = candidate.backing == backing && candidate.inner_size >= inner_size &&
                      candidate.inner_size - inner_size <= inner_size / 4;
    if (fits && (best == count_ || candidate.inner_size < regions_[best].inner_size)) best = i;
  }
  if (best == count_) return std::nullopt;
  const Mapping found = remove(best);
  protect(found, Access::write);
  return found;
}

void MappingCache::keep(const Mapping& mapping) noexcept {
  if (mapping.inner_size > most_bytes) return unmap(mapping);
  while (count_ == most_regions || bytes_ + mapping.inner_size > most_bytes) unmap(remove(0));
  protect(mapping, Access::none);
  regions_[count_++] = mapping;
  bytes_ += mapping.inner_size;
}

void MappingCache::unmap_all() noexcept {
  while (count_ > 0) unmap(remove(count_ - 1));
}

Mapping MappingCache::remove(std::size_t index) noexcept {
  const Mapping removed = regions_[index];
  std::copy(regions_.begin() + static_cast<std::ptrdiff_t>(index) + 1,
            regions_.begin() + static_cast<std::ptrdiff_t>(count_),
            regions_.begin() + static_cast<std::ptrdiff_t>(index));
  --count_;
  bytes_ -= removed.inner_size;
  return removed;
}

}  // namespace nicol::secret::detail
