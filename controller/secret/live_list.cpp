// SPDX-License-Identifier: Apache-2.0
// The list of all live locked regions: what std::terminate and a stop signal wipe, and what fork() leaves behind.
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <thread>

#include "controller/secret/mapping_cache.hpp"
#include "controller/secret/pages.hpp"

namespace nicol::secret::detail {
namespace {

std::mutex list_mutex;  // guards first, the links of every Pages, and cache
Pages* first = nullptr;
MappingCache cache;

constexpr auto longest_wait = std::chrono::milliseconds(50);

void before_fork() { list_mutex.lock(); }
void after_fork_in_parent() { list_mutex.unlock(); }
// The parent's regions do not exist here.
void after_fork_in_child() {
  first = nullptr;
  cache.forget();
  subtract_held(held_bytes());
  list_mutex.unlock();
}

void watch_forks() {
  static const int registered = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  if (registered != 0) die("nicol: fork() cannot be watched (pthread_atfork failed)\n");
}

void wait_until_closed(Pages& pages, std::chrono::steady_clock::time_point deadline) noexcept {
  while (pages.is_open() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::microseconds(200));
}

}  // namespace

Result<Mapping> LiveList::map(std::size_t inner_size, MemoryPolicy policy) {
  watch_forks();
  const std::lock_guard lock(list_mutex);
  if (const auto kept = cache.take(inner_size, policy.preferred)) return *kept;
  auto mapping = map_locked(inner_size, policy);
  if (mapping.ok()) return mapping;
  cache.unmap_all();
  return map_locked(inner_size, policy);
}

// Only what the policy prefers would ever be taken out again.
void LiveList::give_back(const Mapping& mapping) noexcept {
  const std::lock_guard lock(list_mutex);
  mapping.backing == memory_policy().preferred ? cache.keep(mapping) : unmap(mapping);
}

void LiveList::insert(Pages& pages) noexcept {
  const std::lock_guard lock(list_mutex);
  pages.next_ = first;
  if (first != nullptr) first->previous_ = &pages;
  first = &pages;
}

void LiveList::remove(Pages& pages) noexcept {
  const std::lock_guard lock(list_mutex);
  (pages.previous_ != nullptr ? pages.previous_->next_ : first) = pages.next_;
  if (pages.next_ != nullptr) pages.next_->previous_ = pages.previous_;
}

Health LiveList::erase_all() noexcept {
  const auto deadline = std::chrono::steady_clock::now() + longest_wait;
  const std::lock_guard lock(list_mutex);
  Health health = Health::intact;
  for (Pages* p = first; p != nullptr; p = p->next_) {
    wait_until_closed(*p, deadline);
    if (p->erase() == Health::damaged) health = Health::damaged;
  }
  return health;
}

}  // namespace nicol::secret::detail

namespace nicol::secret {
namespace {

std::atomic<std::terminate_handler> next_handler{nullptr};

void wipe_then_terminate() {
  wipe_all();
  if (const auto handler = next_handler.load(); handler != nullptr) handler();
  std::abort();
}

}  // namespace

void install_terminate_wipe() noexcept {
  const auto previous = std::set_terminate(wipe_then_terminate);
  if (previous != wipe_then_terminate) next_handler = previous;
}

}  // namespace nicol::secret
