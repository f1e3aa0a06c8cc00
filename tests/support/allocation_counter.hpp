// SPDX-License-Identifier: Apache-2.0
// Counts what the calling thread allocates: the executable's operator new is replaced by one that counts.
#pragma once

#include <cstdint>

namespace nicol::test {

/// Calls of operator new by this thread since it began.
std::uint64_t allocations() noexcept;

}  // namespace nicol::test
