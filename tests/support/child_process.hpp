// SPDX-License-Identifier: Apache-2.0
// Runs a piece of a test in a forked child that may die, and tells how it ended.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace nicol::test {

struct ChildEnd {
  int signal = 0;      // that killed it, 0 when it exited
  int exit_code = -1;  // of a normal exit
  std::string errors;  // what it wrote to standard error
};

/// Forks; the child runs `body` with default signal handlers (also where a sanitizer has put its own) and no core
/// dumps, and exits with its return value. An exception that leaves `body` is std::terminate.
ChildEnd run_in_child(const std::function<int()>& body);

/// A forked child that runs `body` until killed: for looking at it from outside. Killed and reaped at the end.
class HeldChild {
 public:
  /// body gets a descriptor to write to; what it writes is read() here. Then it must wait (pause()).
  explicit HeldChild(const std::function<void(int)>& body);
  ~HeldChild();
  HeldChild(const HeldChild&) = delete;
  HeldChild& operator=(const HeldChild&) = delete;
  pid_t pid() const { return pid_; }
  /// Exactly `size` bytes from the child; fewer when it ended.
  std::string read(std::size_t size) const;
  /// Waits for its own end instead of killing it; the signal, 0 for an exit.
  int wait_for_end();

 private:
  pid_t pid_ = -1;
  int from_child_ = -1;
};

/// True under AddressSanitizer, ThreadSanitizer and the like, whose shadow memory makes core dumps huge.
constexpr bool sanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
  return true;
#endif
#endif
  return false;
}

}  // namespace nicol::test
