// SPDX-License-Identifier: Apache-2.0
// Policy, limits and usage of locked memory, and the messages that say how to get more.
#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <limits>

#include "controller/secret/mapping.hpp"

namespace nicol::secret {
namespace {

std::atomic<Backing> preferred_backing{MemoryPolicy{}.preferred};
std::atomic<bool> mlock_instead{MemoryPolicy{}.allow_mlock_instead};
std::atomic<std::size_t> held{0};
constexpr auto unlimited = std::numeric_limits<std::size_t>::max();

}  // namespace

std::string_view to_string(Backing backing) noexcept {
  return backing == Backing::memfd_secret ? "memfd_secret" : "mlock";
}

void set_memory_policy(MemoryPolicy policy) noexcept {
  preferred_backing = policy.preferred;
  mlock_instead = policy.allow_mlock_instead;
}
MemoryPolicy memory_policy() noexcept { return {preferred_backing.load(), mlock_instead.load()}; }

Result<Backing> probe_backing() {
  auto mapping = detail::map_locked(detail::page_size(), memory_policy());
  if (!mapping.ok()) return std::move(mapping).error();
  detail::unmap(*mapping);
  return mapping->backing;
}

std::string memory_warning() {
  const auto backing = probe_backing();
  if (!backing.ok() || *backing == memory_policy().preferred) return {};
  return "keys are in mlocked memory, which root and debuggers can read: for memfd_secret boot with "
         "secretmem.enable=1 or use Linux 6.5 or later; to accept mlock without this warning set "
         "secret.backing = \"mlock\"";
}

LockedUsage locked_usage() noexcept {
  const std::size_t now = held.load(), limit = detail::memlock_limit();
  return {now, limit == unlimited ? unlimited : limit - std::min(limit, now)};
}

namespace detail {

bool may_lock_without_limit() noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, data) != 0) return false;
  return (data[CAP_IPC_LOCK / 32].effective >> (CAP_IPC_LOCK % 32) & 1U) != 0;
}

std::size_t memlock_limit() noexcept {
  rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return 0;
  return limit.rlim_cur == RLIM_INFINITY || may_lock_without_limit() ? unlimited : limit.rlim_cur;
}

std::size_t held_bytes() noexcept { return held.load(); }
void add_held(std::size_t bytes) noexcept { held += bytes; }
void subtract_held(std::size_t bytes) noexcept { held -= bytes; }

Error limit_error(std::size_t need, Backing backing, int native_code) {
  const std::size_t limit = memlock_limit();
  const std::string allowed = limit == unlimited ? "unlimited" : fmt::format("{} bytes", limit);
  return {Code::locked_memory,
          fmt::format("cannot lock {} bytes more with {} ({} bytes held, RLIMIT_MEMLOCK {}{}{}): raise the limit with "
                      "`ulimit -l {}`, LimitMEMLOCK={} in the systemd unit, or setcap cap_ipc_lock+ep on the program",
                      need, to_string(backing), held.load(), allowed, native_code != 0 ? "; " : "",
                      native_code != 0 ? std::strerror(native_code) : "", (need + held.load() + 1023) / 1024,
                      need + held.load()),
          "",
          native_code,
          {}};
}

}  // namespace detail
}  // namespace nicol::secret
