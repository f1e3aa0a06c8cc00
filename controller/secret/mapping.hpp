// SPDX-License-Identifier: Apache-2.0
// The system calls under a locked region: reserve, back, lock, keep out of dumps and children.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "controller/secret/locked_key.hpp"

namespace nicol::secret::detail {

enum class Access : std::uint8_t { none, read, write };

/// guard page | inner pages | guard page. Inner is open for writing and zero when fresh.
struct Mapping {
  std::byte* inner = nullptr;
  std::size_t inner_size = 0;
  Backing backing = Backing::mlock;
};

std::size_t page_size() noexcept;
/// Whole pages for `bytes` of data and at least one canary; nothing when that overflows.
std::optional<std::size_t> inner_size_for(std::size_t bytes) noexcept;
/// Locked, resident, not dumped, not forked. Errors: locked_memory (limit), not_supported (no memfd_secret and the
/// policy forbids mlock), exhausted (address space, files).
Result<Mapping> map_locked(std::size_t inner_size, MemoryPolicy policy);
void unmap(const Mapping& mapping) noexcept;
/// Aborts on failure: a page that cannot be closed is as bad as a leak.
void protect(const Mapping& mapping, Access access) noexcept;

/// Writes the message to standard error, then aborts. No allocation, no stdio.
[[noreturn]] void die(const char* message) noexcept;
/// getrandom(2) until full; dies when the kernel has no randomness to give.
void fill_random(std::span<std::byte> out) noexcept;

/// RLIMIT_MEMLOCK (soft) in bytes, SIZE_MAX when unlimited or with CAP_IPC_LOCK.
std::size_t memlock_limit() noexcept;
bool may_lock_without_limit() noexcept;
std::size_t held_bytes() noexcept;
void add_held(std::size_t bytes) noexcept;
void subtract_held(std::size_t bytes) noexcept;
/// The error of a lock refused by the kernel: need, held, limit, how to raise it.
Error limit_error(std::size_t need, Backing backing, int native_code);

}  // namespace nicol::secret::detail
