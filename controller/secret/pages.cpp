// SPDX-License-Identifier: Apache-2.0
// The life of one locked region: made, opened and closed, erased.
#include "controller/secret/pages.hpp"

#include <string.h>
#include <unistd.h>

#include <memory>

namespace nicol::secret::detail {
namespace {

constexpr const char* damaged_message =
    "nicol: the canary of locked memory is destroyed: something wrote before the start of a key; all keys wiped\n";

}  // namespace

Result<Pages*> Pages::create(std::size_t bytes, MemoryPolicy policy) {
  const auto inner_size = inner_size_for(bytes);
  if (!inner_size) return limit_error(bytes, policy.preferred, 0);
  auto pages = std::unique_ptr<Pages>(new Pages);
  auto mapping = LiveList::map(*inner_size, policy);
  if (!mapping.ok()) return std::move(mapping).error();
  pages->mapping_ = *mapping;
  pages->data_size_ = bytes;
  pages->owner_ = getpid();
  fill_random(pages->canary_.random_bytes());
  pages->canary_.write(pages->mapping_.inner, 0, pages->slack());
  protect(pages->mapping_, Access::none);
  add_held(pages->mapping_.inner_size);
  LiveList::insert(*pages);
  return pages.release();
}

void Pages::retire(Pages* pages) noexcept {
  if (pages->foreign()) return;
  LiveList::remove(*pages);
  std::unique_lock lock(pages->mutex_);
  if (!pages->wiped_) protect(pages->mapping_, Access::write);
  const Health health = pages->wiped_ ? Health::intact : pages->erase_open_pages();
  pages->retired_ = true;
  const bool in_use = pages->readers_ + pages->writers_ > 0;
  const Mapping mapping = pages->mapping_;
  lock.unlock();
  subtract_held(mapping.inner_size);
  in_use ? unmap(mapping) : LiveList::give_back(mapping);
  if (health == Health::damaged) {
    LiveList::erase_all();
    die(damaged_message);
  }
  if (!in_use) delete pages;
}

Access Pages::wanted() const noexcept {
  return writers_ > 0 ? Access::write : readers_ > 0 ? Access::read : Access::none;
}

bool Pages::foreign() const noexcept { return owner_ != getpid(); }

OpenResult Pages::open(Access access) noexcept {
  if (foreign()) return OpenResult::foreign;
  const std::lock_guard lock(mutex_);
  if (wiped_) return OpenResult::wiped;
  if (frozen_ && access == Access::write) return OpenResult::frozen;
  const Access before = wanted();
  ++(access == Access::write ? writers_ : readers_);
  if (wanted() != before) protect(mapping_, wanted());
  return OpenResult::opened;
}

void Pages::close(Access access) noexcept {
  if (foreign()) return;
  std::unique_lock lock(mutex_);
  const Access before = wanted();
  --(access == Access::write ? writers_ : readers_);
  if (!wiped_ && wanted() != before) protect(mapping_, wanted());
  const bool last = retired_ && readers_ + writers_ == 0;
  lock.unlock();
  if (last) delete this;
}

void Pages::freeze() noexcept {
  const std::lock_guard lock(mutex_);
  frozen_ = true;
}

bool Pages::is_open() noexcept {
  const std::lock_guard lock(mutex_);
  return readers_ + writers_ > 0;
}

Health Pages::erase_open_pages() noexcept {
  const Health health = canary_.intact(mapping_.inner, slack()) ? Health::intact : Health::damaged;
  explicit_bzero(mapping_.inner, mapping_.inner_size);
  wiped_ = true;
  return health;
}

Health Pages::erase() noexcept {
  if (foreign()) return Health::intact;
  const std::lock_guard lock(mutex_);
  if (wiped_) return Health::intact;
  protect(mapping_, Access::write);
  const Health health = erase_open_pages();
  protect(mapping_, Access::none);
  return health;
}

void Pages::shrink_front(std::size_t count) noexcept {
  const std::lock_guard lock(mutex_);
  explicit_bzero(mapping_.inner + slack(), count);
  const std::size_t begin = slack();
  data_size_ -= count;
  canary_.write(mapping_.inner, begin, slack());
}

}  // namespace nicol::secret::detail

namespace nicol::secret {

void wipe_all() noexcept {
  if (detail::LiveList::erase_all() == detail::Health::damaged) detail::die(detail::damaged_message);
}

}  // namespace nicol::secret
