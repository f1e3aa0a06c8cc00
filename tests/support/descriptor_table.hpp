// SPDX-License-Identifier: Apache-2.0
// Which descriptors of this process are fakes.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "tests/support/interpose.hpp"

namespace nicol::test {

/// Thread-safe. Descriptors that are no fakes never meet the lock: a child between fork and exec may close them.
class DescriptorTable {
 public:
  void add(int fd, std::shared_ptr<OpenFile> file);
  /// Null when it is no fake.
  std::shared_ptr<OpenFile> find(int fd);
  std::shared_ptr<OpenFile> remove(int fd);

 private:
  bool certainly_not(int fd) const;

  static constexpr std::size_t kMarked = 4096;
  std::array<std::atomic<bool>, kMarked> marks_{};  // of descriptors below kMarked
  std::mutex mutex_;                                // guards files_
  std::map<int, std::shared_ptr<OpenFile>> files_;
};

}  // namespace nicol::test
