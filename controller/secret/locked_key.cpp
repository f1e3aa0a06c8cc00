// SPDX-License-Identifier: Apache-2.0
// LockedKey: scopes over a locked region.
#include "controller/secret/locked_key.hpp"

#include <signal.h>

#include <cstring>
#include <stdexcept>
#include <utility>

#include "controller/secret/constant_time.hpp"
#include "controller/secret/pages.hpp"
#include "controller/secret/registers.hpp"

namespace nicol::secret {
namespace detail {

SignalsBlocked::SignalsBlocked() noexcept {
  static_assert(sizeof saved_ >= sizeof(sigset_t));
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  std::memcpy(saved_, &before, sizeof before);
}

SignalsBlocked::~SignalsBlocked() {
  sigset_t before;
  std::memcpy(&before, saved_, sizeof before);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace detail

namespace {

[[noreturn]] void throw_refused(detail::OpenResult why) {
  switch (why) {
    case detail::OpenResult::frozen:
      throw std::logic_error("locked key written after freeze()");
    case detail::OpenResult::foreign:
      throw std::logic_error("locked key of the parent used in a forked child");
    default:
      throw std::logic_error("locked key used after it was wiped");
  }
}

}  // namespace

LockedKey::Open::Open(const LockedKey& key, Mode mode) : pages_(key.pages_), mode_(mode) {
  if (pages_ == nullptr) throw std::logic_error("empty locked key opened (wiped, moved from, or never made)");
  const auto access = mode == Mode::write ? detail::Access::write : detail::Access::read;
  if (const auto result = pages_->open(access); result != detail::OpenResult::opened) throw_refused(result);
}

LockedKey::Open::~Open() {
  detail::clear_vector_registers();
  pages_->close(mode_ == Mode::write ? detail::Access::write : detail::Access::read);
}

Result<LockedKey> LockedKey::create(std::size_t bytes, Birth birth) {
  if (bytes == 0) throw std::logic_error("a locked key of no bytes");
  auto pages = detail::Pages::create(bytes, memory_policy());
  if (!pages.ok()) return std::move(pages).error();
  LockedKey key;
  key.pages_ = *pages;
  key.size_ = bytes;
  if (birth == Birth::random) key.with_write([](std::span<std::byte> data) { detail::fill_random(data); });
  return key;
}

LockedKey::LockedKey(std::size_t bytes, Birth birth) {
  auto key = create(bytes, birth);
  if (!key.ok()) throw LockedMemoryError(key.error().message);
  *this = std::move(key).value();
}

LockedKey::LockedKey(LockedKey&& other) noexcept
    : pages_(std::exchange(other.pages_, nullptr)), size_(std::exchange(other.size_, 0)) {}

LockedKey& LockedKey::operator=(LockedKey&& other) noexcept {
  if (this == &other) return *this;
  wipe();
  pages_ = std::exchange(other.pages_, nullptr);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

LockedKey::~LockedKey() { wipe(); }

std::byte* LockedKey::data() const noexcept { return pages_->end() - size_; }

Backing LockedKey::backing() const noexcept {
  return pages_ == nullptr ? memory_policy().preferred : pages_->backing();
}

void LockedKey::freeze() noexcept {
  if (pages_ != nullptr) pages_->freeze();
}

LockedKey LockedKey::take_front(std::size_t n) {
  if (n > size_) throw std::length_error("more bytes taken from a locked key than it has");
  if (n == 0) return {};
  if (n == size_) return std::move(*this);
  LockedKey front(n);
  with_write([&](std::span<std::byte> whole) {
    front.with_write([&](std::span<std::byte> taken) { std::memcpy(taken.data(), whole.data(), n); });
    pages_->shrink_front(n);
  });
  size_ -= n;
  return front;
}

bool LockedKey::equal_ct(const LockedKey& other) const {
  if (size_ != other.size_) return false;
  if (size_ == 0) return true;
  return with_read([&](std::span<const std::byte> a) {
    return other.with_read([&](std::span<const std::byte> b) { return secret::equal_ct(a, b); });
  });
}

void LockedKey::wipe() noexcept {
  if (pages_ == nullptr) return;
  detail::Pages::retire(std::exchange(pages_, nullptr));
  size_ = 0;
}

}  // namespace nicol::secret
