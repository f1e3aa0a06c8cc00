// SPDX-License-Identifier: Apache-2.0
// libc's open, close and ioctl as this executable has them. Compiled without _FORTIFY_SOURCE: it defines these names.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <iterator>

#include "tests/support/descriptor_table.hpp"
#include "tests/support/interpose.hpp"

namespace nicol::test {
namespace {

// Leaked: libraries close descriptors after main has returned.
DescriptorTable& table() {
  static auto* const made = new DescriptorTable;
  return *made;
}

OpenFunction* libc_open() {
  static auto* const function = next<OpenFunction>("open");
  return function;
}

CloseFunction* libc_close() {
  static auto* const function = next<CloseFunction>("close");
  return function;
}

int fail(int error) {
  errno = error;
  return -1;
}

int hand_out(Opened opened) {
  if (opened.fd < 0) return fail(opened.error);
  if (opened.file) table().add(opened.fd, std::move(opened.file));
  return opened.fd;
}

int open_any(const char* path, int flags, mode_t mode) {
  for (FakeTree* tree : {&tty_tree(), &usb_tree()}) {
    if (auto opened = tree->open(path, flags)) return hand_out(*std::move(opened));
    if (const auto text = tree->text(path)) return text_descriptor(*text);
  }
  return libc_open()(path, flags, mode);
}

}  // namespace

int real_open(const char* path, int flags) { return libc_open()(path, flags, 0); }

void real_close(int fd) {
  if (fd >= 0) libc_close()(fd);
}

int text_descriptor(const std::string& content) {
  const int fd = memfd_create("fake", MFD_CLOEXEC);
  if (fd < 0) return -1;
  if (write(fd, content.data(), content.size()) != std::ssize(content)) {
    real_close(fd);
    return fail(EIO);
  }
  lseek(fd, 0, SEEK_SET);
  return fd;
}

}  // namespace nicol::test

extern "C" {

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    std::va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return nicol::test::open_any(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    std::va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return nicol::test::open_any(path, flags, mode);
}

// What open becomes in code that was compiled with _FORTIFY_SOURCE.
int __open_2(const char* path, int flags) { return nicol::test::open_any(path, flags, 0); }
int __open64_2(const char* path, int flags) { return nicol::test::open_any(path, flags, 0); }

int close(int fd) {
  // Out of the table first: the number may be given out again as soon as the kernel has closed it.
  nicol::test::table().remove(fd);
  return nicol::test::libc_close()(fd);
}

int ioctl(int fd, unsigned long request, ...) noexcept {
  std::va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  if (const auto file = nicol::test::table().find(fd)) {
    if (const auto result = file->ioctl(request, argument)) return *result < 0 ? nicol::test::fail(-*result) : *result;
  }
  static auto* const libc_ioctl = nicol::test::next<int(int, unsigned long, ...)>("ioctl");
  return libc_ioctl(fd, request, argument);
}

}  // extern "C"
