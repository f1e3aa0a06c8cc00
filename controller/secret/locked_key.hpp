// SPDX-License-Identifier: Apache-2.0
// Memory for keys: pages straight from the OS, between two inaccessible guard pages, behind a random canary, never
// swapped, dumped or forked, closed except inside a scope, wiped at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "drivers/hal/result.hpp"

namespace nicol::secret {

enum class Backing : std::uint8_t { memfd_secret, mlock };
std::string_view to_string(Backing backing) noexcept;
enum class Birth : std::uint8_t { zero, random };  // random: getrandom(2) straight into the page

/// Chosen once at start, before the first key; default memfd_secret where the kernel has it on by itself.
struct MemoryPolicy {
  Backing preferred = Backing::memfd_secret;
  bool allow_mlock_instead = true;  // false on a node with real devices unless its config says mlock
};
void set_memory_policy(MemoryPolicy policy) noexcept;
MemoryPolicy memory_policy() noexcept;
/// What create() would use now, or the reason it would fail. Allocates and frees one page.
Result<Backing> probe_backing();

/// One line for the user, naming the fix, when create() would use mlock because memfd_secret is not available; empty
/// otherwise. Printed once by the program, never by this room.
std::string memory_warning();

/// Locked bytes this process holds now (whole pages), and how many more RLIMIT_MEMLOCK still allows (SIZE_MAX with
/// CAP_IPC_LOCK).
struct LockedUsage {
  std::size_t held = 0, limit = 0;
};
LockedUsage locked_usage() noexcept;

/// Raised (it is a bug: needs are checked at start) when a buffer inside the pipeline cannot be locked.
class LockedMemoryError : public std::exception {
 public:
  explicit LockedMemoryError(std::string what) : what_(std::move(what)) {}
  const char* what() const noexcept override { return what_.c_str(); }

 private:
  std::string what_;
};

namespace detail {
class Pages;  // the mapping: guard | canary + data | guard
/// Blocks all signals of this thread, so that no signal frame spills key bytes from registers to the stack.
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept;
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  unsigned char saved_[128];
};
}  // namespace detail

/// Move-only. No copy, no operator[], no data(), no iteration, no ==, no <<. Access is process-wide while open; opens
/// are counted under a mutex, so scopes may nest and threads may read at once. Never hold a scope across a blocking
/// call.
class LockedKey {
 public:
  LockedKey() noexcept = default;
  /// bytes > 0. locked_memory with need, limit and how to raise it when the limit is exhausted.
  static Result<LockedKey> create(std::size_t bytes, Birth birth = Birth::zero);
  /// As create(); throws LockedMemoryError.
  explicit LockedKey(std::size_t bytes, Birth birth = Birth::zero);
  LockedKey(LockedKey&& other) noexcept;
  LockedKey& operator=(LockedKey&& other) noexcept;
  LockedKey(const LockedKey&) = delete;
  LockedKey& operator=(const LockedKey&) = delete;
  ~LockedKey();

  /// f(std::span<const std::byte>) with pages readable; f(std::span<std::byte>) with pages writable (std::logic_error
  /// after freeze() or wipe()). Closed again on exception. Returns what f returns.
  template <class F>
  decltype(auto) with_read(F&& f) const {
    const Open open(*this, Mode::read);
    return std::forward<F>(f)(std::span<const std::byte>(data(), size_));
  }
  template <class F>
  decltype(auto) with_write(F&& f) {
    const Open open(*this, Mode::write);
    return std::forward<F>(f)(std::span<std::byte>(data(), size_));
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return pages_ == nullptr; }
  Backing backing() const noexcept;
  /// Read-only for ever; wiping is still possible.
  void freeze() noexcept;
  /// Splits: the first n bytes leave this key (and are wiped here). All of them: this key is empty afterwards.
  /// std::length_error past the end, std::logic_error when frozen.
  LockedKey take_front(std::size_t n);
  /// Constant time; false when sizes differ.
  bool equal_ct(const LockedKey& other) const;
  /// Idempotent. Canary damage: message and abort.
  void wipe() noexcept;

 private:
  enum class Mode : std::uint8_t { read, write };
  class Open {
   public:
    Open(const LockedKey& key, Mode mode);
    ~Open();
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;

   private:
    detail::SignalsBlocked signals_;
    detail::Pages* pages_;
    Mode mode_;
  };
  std::byte* data() const noexcept;

  detail::Pages* pages_ = nullptr;
  std::size_t size_ = 0;
};

/// Wipes every live locked region of this process; what std::terminate and the SIGINT/SIGTERM thread call. Waits up to
/// 50 ms for open scopes to end; opening a wiped region is std::logic_error. Not from an asynchronous signal handler.
void wipe_all() noexcept;
/// Installs the terminate handler that wipes. SIGINT and SIGTERM are read by a normal thread (service) through
/// signalfd.
void install_terminate_wipe() noexcept;

}  // namespace nicol::secret
