// SPDX-License-Identifier: Apache-2.0
#include "tests/support/descriptor_table.hpp"

#include <utility>

namespace nicol::test {

bool DescriptorTable::certainly_not(int fd) const {
  const auto index = static_cast<std::size_t>(fd);
  return fd < 0 || (index < kMarked && !marks_[index]);
}

void DescriptorTable::add(int fd, std::shared_ptr<OpenFile> file) {
  const std::lock_guard lock(mutex_);
  files_[fd] = std::move(file);
  if (const auto index = static_cast<std::size_t>(fd); index < kMarked) marks_[index] = true;
}

std::shared_ptr<OpenFile> DescriptorTable::find(int fd) {
  if (certainly_not(fd)) return nullptr;
  const std::lock_guard lock(mutex_);
  const auto it = files_.find(fd);
  return it == files_.end() ? nullptr : it->second;
}

std::shared_ptr<OpenFile> DescriptorTable::remove(int fd) {
  if (certainly_not(fd)) return nullptr;
  const std::lock_guard lock(mutex_);
  if (const auto index = static_cast<std::size_t>(fd); index < kMarked) marks_[index] = false;
  auto node = files_.extract(fd);
  return node ? std::move(node.mapped()) : nullptr;
}

}  // namespace nicol::test
