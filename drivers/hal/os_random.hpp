// SPDX-License-Identifier: Apache-2.0
// The loop around getrandom(2), with the system call as an argument so that tests can interrupt and shorten it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>

namespace nicol {

using GetRandom = ssize_t (*)(void* buffer, std::size_t size, unsigned flags);

/// Fills all of `out`; goes on after EINTR and short reads; aborts the process on any other failure, since nothing
/// downstream may run on predictable bytes.
void fill_from(GetRandom source, std::span<std::byte> out) noexcept;

}  // namespace nicol
