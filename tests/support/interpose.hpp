// SPDX-License-Identifier: Apache-2.0
// How the fakes get between a library and libc: the executable defines open, ioctl, close and friends (see README.md),
// which ask the trees below first and hand on what is not theirs. Process-wide by nature: libc is.
#pragma once

#include <dlfcn.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nicol::test {

/// What stands behind a descriptor that a tree gave out. Shared between the descriptor table and calls under way.
class OpenFile {
 public:
  virtual ~OpenFile() = default;
  /// The result, or -errno; nullopt: the kernel may answer. Any thread.
  virtual std::optional<int> ioctl(unsigned long request, void* argument) = 0;
};

struct Opened {
  int fd = -1;
  int error = 0;                   // errno when fd is negative
  std::shared_ptr<OpenFile> file;  // null: a plain file
};

/// A part of the file system that is pretended. nullopt everywhere: not ours, ask the kernel. Any thread; no call
/// may run while the tree holds a lock that an emulator call needs.
class FakeTree {
 public:
  virtual ~FakeTree() = default;
  virtual std::optional<Opened> open(std::string_view path, int flags) = 0;
  /// Contents of a small read-only file.
  virtual std::optional<std::string> text(std::string_view path) = 0;
  virtual std::optional<std::string> link(std::string_view path) = 0;
  /// 0, or the errno with which access(2) refuses. Anything of ours exists.
  virtual std::optional<int> access(std::string_view path, int mode) = 0;
  /// Names that a listing of this directory has beside the real ones; nullopt when it is not ours.
  virtual std::optional<std::vector<std::string>> entries(std::string_view directory) = 0;
};

FakeTree& tty_tree();
FakeTree& usb_tree();

/// A plain descriptor with this content at its start; -1 with errno.
int text_descriptor(const std::string& content);

/// The libc function behind ours. F is its function type.
template <class F>
F* next(const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}
using OpenFunction = int(const char*, int, ...);
using CloseFunction = int(int);

/// The real ones: for descriptors that are nobody else's business.
int real_open(const char* path, int flags);
void real_close(int fd);

}  // namespace nicol::test
