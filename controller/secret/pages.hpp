// SPDX-License-Identifier: Apache-2.0
// One live locked region: its mapping, who has it open, and its place in the list of all live regions.
#pragma once

#include <sys/types.h>

#include <mutex>

#include "controller/secret/canary.hpp"
#include "controller/secret/locked_key.hpp"
#include "controller/secret/mapping.hpp"

namespace nicol::secret::detail {

enum class OpenResult : std::uint8_t { opened, wiped, frozen, foreign };
enum class Health : std::uint8_t { intact, damaged };

/// Made by create(), ended by retire(). All other methods may be called from any thread.
class Pages {
 public:
  static Result<Pages*> create(std::size_t bytes, MemoryPolicy policy);
  /// Leaves the list, erases, unmaps; the object itself goes when the last open scope closes. Aborts with a message on
  /// canary damage. Nothing happens in a forked child.
  static void retire(Pages* pages) noexcept;

  OpenResult open(Access access) noexcept;
  /// Undoes one open(); may delete this region when it was retired meanwhile.
  void close(Access access) noexcept;
  void freeze() noexcept;
  bool is_open() noexcept;
  /// Zeroes all pages and closes them for ever; the mapping stays. Idempotent.
  Health erase() noexcept;
  /// The first `count` bytes of the data become slack: zeroed, then canary. Only inside an open write scope.
  void shrink_front(std::size_t count) noexcept;

  std::byte* end() const noexcept { return mapping_.inner + mapping_.inner_size; }
  Backing backing() const noexcept { return mapping_.backing; }

 private:
  friend class LiveList;
  Pages() = default;
  bool foreign() const noexcept;
  Access wanted() const noexcept;
  std::size_t slack() const noexcept { return mapping_.inner_size - data_size_; }
  Health erase_open_pages() noexcept;

  Mapping mapping_;
  Canary canary_;
  pid_t owner_ = 0;
  Pages *previous_ = nullptr, *next_ = nullptr;  // guarded by the list's mutex

  std::mutex mutex_;  // guards all below
  std::size_t data_size_ = 0, readers_ = 0, writers_ = 0;
  bool frozen_ = false, wiped_ = false, retired_ = false;
};

/// All live regions of this process, newest first.
class LiveList {
 public:
  /// A region kept from an ended key, else map_locked() with fork() kept out, so that no child inherits half-made
  /// pages.
  static Result<Mapping> map(std::size_t inner_size, MemoryPolicy policy);
  /// Takes back an erased region that nobody has open.
  static void give_back(const Mapping& mapping) noexcept;
  static void insert(Pages& pages) noexcept;
  static void remove(Pages& pages) noexcept;
  /// Waits a moment for open scopes to end (a scope must not find zeros where its key was), then erases all the same.
  static Health erase_all() noexcept;
};

}  // namespace nicol::secret::detail
