// SPDX-License-Identifier: Apache-2.0
// The system calls under a locked region.
#include "controller/secret/mapping.hpp"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <limits>

#include "controller/secret/canary.hpp"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

namespace nicol::secret::detail {
namespace {

void* fixed(const Mapping& m, int flags, int fd) noexcept {
  return mmap(m.inner, m.inner_size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
}

bool out_of_files(int error) noexcept { return error == EMFILE || error == ENFILE; }

enum class Fill : std::uint8_t { done, unavailable, failed };
struct Attempt {
  Fill fill = Fill::failed;
  int error = 0;
};

// Locked by nature: mlock() on such pages is refused by the kernel, and must not be tried.
Attempt back_with_memfd_secret(Mapping& m) noexcept {
  const int fd = static_cast<int>(syscall(SYS_memfd_secret, O_CLOEXEC));
  if (fd < 0) return {out_of_files(errno) ? Fill::failed : Fill::unavailable, errno};
  const bool mapped = ftruncate(fd, static_cast<off_t>(m.inner_size)) == 0 && fixed(m, MAP_SHARED, fd) != MAP_FAILED;
  const Attempt result{mapped ? Fill::done : Fill::failed, mapped ? 0 : errno};
  close(fd);
  m.backing = Backing::memfd_secret;
  return result;
}

// The system call itself: the sanitizers replace mlock() by a function that locks nothing and says it did.
Attempt back_with_mlock(Mapping& m) noexcept {
  const bool locked =
      fixed(m, MAP_PRIVATE | MAP_ANONYMOUS, -1) != MAP_FAILED && syscall(SYS_mlock, m.inner, m.inner_size) == 0;
  m.backing = Backing::mlock;
  return {locked ? Fill::done : Fill::failed, locked ? 0 : errno};
}

Attempt back(Mapping& m, MemoryPolicy policy) noexcept {
  if (policy.preferred == Backing::mlock) return back_with_mlock(m);
  const Attempt secret = back_with_memfd_secret(m);
  return secret.fill == Fill::unavailable && policy.allow_mlock_instead ? back_with_mlock(m) : secret;
}

void keep_out_of_dumps_and_children(const Mapping& m) noexcept {
  if (madvise(m.inner, m.inner_size, MADV_DONTDUMP) != 0 || madvise(m.inner, m.inner_size, MADV_DONTFORK) != 0)
    die("nicol: locked memory cannot be kept out of dumps and children (madvise failed)\n");
}

// memfd_secret pages are charged at once but come one by one: a shortage shows here, not in the middle of a block.
void make_resident(const Mapping& m) noexcept {
  for (std::size_t i = 0; i < m.inner_size; i += page_size()) *static_cast<volatile std::byte*>(m.inner + i) = {};
}

Error failure(std::size_t need, Backing backing, const Attempt& attempt) {
  if (attempt.fill == Fill::unavailable)
    return {Code::not_supported,
            fmt::format("memfd_secret is not available ({}): boot with secretmem.enable=1 or use Linux 6.5 or later, "
                        "or accept mlock with secret.backing = \"mlock\"",
                        std::strerror(attempt.error)),
            "",
            attempt.error,
            {}};
  if (out_of_files(attempt.error))
    return {
        Code::exhausted, "no file descriptor left for locked memory: raise it with ulimit -n", "", attempt.error, {}};
  return limit_error(need, backing, attempt.error);
}

}  // namespace

std::size_t page_size() noexcept {
  static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

std::optional<std::size_t> inner_size_for(std::size_t bytes) noexcept {
  if (bytes > std::numeric_limits<std::size_t>::max() / 4) return std::nullopt;
  const std::size_t page = page_size();
  return (bytes + canary_size + page - 1) / page * page;
}

Result<Mapping> map_locked(std::size_t inner_size, MemoryPolicy policy) {
  const std::size_t page = page_size();
  void* base = mmap(nullptr, inner_size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED)
    return Error{
        Code::exhausted, fmt::format("no address space for {} bytes of locked memory", inner_size), "", errno, {}};
  Mapping mapping{static_cast<std::byte*>(base) + page, inner_size, policy.preferred};
  const Attempt attempt = back(mapping, policy);
  if (attempt.fill != Fill::done) {
    munmap(base, inner_size + 2 * page);
    return failure(inner_size, mapping.backing, attempt);
  }
  keep_out_of_dumps_and_children(mapping);
  make_resident(mapping);
  return mapping;
}

void unmap(const Mapping& mapping) noexcept {
  if (munmap(mapping.inner - page_size(), mapping.inner_size + 2 * page_size()) != 0)
    die("nicol: locked memory cannot be unmapped\n");
}

void protect(const Mapping& mapping, Access access) noexcept {
  const int bits = access == Access::none ? PROT_NONE : access == Access::read ? PROT_READ : PROT_READ | PROT_WRITE;
  if (mprotect(mapping.inner, mapping.inner_size, bits) != 0)
    die("nicol: the protection of locked memory cannot be changed\n");
}

void die(const char* message) noexcept {
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, message, std::strlen(message));
  std::abort();
}

void fill_random(std::span<std::byte> out) noexcept {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) die("nicol: the kernel gives no randomness\n");
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace nicol::secret::detail
