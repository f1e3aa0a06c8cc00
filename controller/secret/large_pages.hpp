// SPDX-License-Identifier: Apache-2.0
// Public arrays of a block are made anew for each: few large pages cost the kernel less than many small ones.
#pragma once

#include <cstddef>

namespace nicol::secret {

/// A hint for ordinary memory that is about to be filled from its front; nothing depends on it.
void prefer_large_pages(void* memory, std::size_t bytes) noexcept;

}  // namespace nicol::secret
