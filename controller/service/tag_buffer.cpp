// SPDX-License-Identifier: Apache-2.0
#include "controller/service/tag_buffer.hpp"

#include <string.h>
#include <sys/mman.h>

#include <memory>
#include <new>

namespace nicol::service {

TagBuffer::TagBuffer(std::size_t tags) : bytes_(tags * sizeof(hal::TimeTag)) {
  void* p = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) throw std::bad_alloc();
  madvise(p, bytes_, MADV_DONTDUMP);
  madvise(p, bytes_, MADV_DONTFORK);
  auto* first = static_cast<hal::TimeTag*>(p);
  std::uninitialized_default_construct_n(first, tags);
  tags_ = {first, tags};
}

TagBuffer::~TagBuffer() {
  explicit_bzero(tags_.data(), bytes_);
  munmap(tags_.data(), bytes_);
}

hal::TagBlock TagBuffer::block() noexcept {
  hal::TagBlock b;
  b.storage = tags_;
  b.loss_storage = losses_;
  return b;
}

void TagBuffer::wipe(const hal::TagBlock& used) noexcept {
  if (used.tag_count > 0) explicit_bzero(tags_.data(), used.tag_count * sizeof(hal::TimeTag));
}

}  // namespace nicol::service
