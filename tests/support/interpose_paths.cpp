// SPDX-License-Identifier: Apache-2.0
// libc's calls on names of files as this executable has them: lstat, readlink, access, fopen. Compiled without
// _FORTIFY_SOURCE: it defines these names.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "tests/support/interpose.hpp"

namespace nicol::test {
namespace {

template <class Ask>
auto ask_trees(Ask ask) -> decltype(ask(tty_tree())) {
  if (auto answer = ask(tty_tree())) return answer;
  return ask(usb_tree());
}

std::optional<std::string> link_of(const char* path) {
  return ask_trees([&](FakeTree& tree) { return tree.link(path); });
}

std::optional<int> access_to(const char* path, int mode) {
  return ask_trees([&](FakeTree& tree) { return tree.access(path, mode); });
}

/// The kind of file, without which nobody may look at it; nullopt when the path is not ours.
std::optional<mode_t> mode_of(const char* path, bool follow_links) {
  if (link_of(path)) return follow_links ? S_IFDIR | 0755U : S_IFLNK | 0777U;
  if (ask_trees([&](FakeTree& tree) { return tree.text(path); })) return S_IFREG | 0444U;
  if (access_to(path, F_OK)) return S_IFCHR | 0660U;
  return std::nullopt;
}

template <class Stat>
bool fake_stat(const char* path, Stat* status, bool follow_links) {
  const auto mode = mode_of(path, follow_links);
  if (!mode) return false;
  *status = Stat{};
  status->st_mode = *mode;
  return true;
}

FILE* text_file(const std::string& content) {
  FILE* const file = fmemopen(nullptr, content.size() + 1, "w+");
  if (file == nullptr) return nullptr;
  std::fwrite(content.data(), 1, content.size(), file);
  std::rewind(file);
  return file;
}

ssize_t fake_readlink(const std::string& target, char* buffer, std::size_t size) {
  const std::size_t length = std::min(size, target.size());
  std::memcpy(buffer, target.data(), length);
  return static_cast<ssize_t>(length);
}

/// 0 or -1 with errno; nullopt when the path is not ours.
std::optional<int> fake_access(const char* path, int mode) {
  const auto error = access_to(path, mode);
  if (!error) return std::nullopt;
  errno = *error;
  return *error == 0 ? 0 : -1;
}

using StatFunction = int(const char*, struct stat*);
using Stat64Function = int(const char*, struct stat64*);
using VersionedStat = int(int, const char*, struct stat*);
using FopenFunction = FILE*(const char*, const char*);

FILE* fopen_any(const char* path, const char* mode, const char* name) {
  if (const auto text = ask_trees([&](FakeTree& tree) { return tree.text(path); })) return text_file(*text);
  return next<FopenFunction>(name)(path, mode);
}

}  // namespace
}  // namespace nicol::test

using namespace nicol::test;  // NOLINT: the definitions below cannot live in a namespace

extern "C" {

int stat(const char* path, struct stat* status) noexcept {
  return fake_stat(path, status, true) ? 0 : next<StatFunction>("stat")(path, status);
}
int lstat(const char* path, struct stat* status) noexcept {
  return fake_stat(path, status, false) ? 0 : next<StatFunction>("lstat")(path, status);
}
int stat64(const char* path, struct stat64* status) noexcept {
  return fake_stat(path, status, true) ? 0 : next<Stat64Function>("stat64")(path, status);
}
int lstat64(const char* path, struct stat64* status) noexcept {
  return fake_stat(path, status, false) ? 0 : next<Stat64Function>("lstat64")(path, status);
}
// The names under which libraries built against a glibc before 2.33 ask.
int __xstat(int version, const char* path, struct stat* status) noexcept {
  return fake_stat(path, status, true) ? 0 : next<VersionedStat>("__xstat")(version, path, status);
}
int __lxstat(int version, const char* path, struct stat* status) noexcept {
  return fake_stat(path, status, false) ? 0 : next<VersionedStat>("__lxstat")(version, path, status);
}

ssize_t readlink(const char* path, char* buffer, size_t size) noexcept {
  if (const auto target = link_of(path)) return fake_readlink(*target, buffer, size);
  return next<ssize_t(const char*, char*, size_t)>("readlink")(path, buffer, size);
}
ssize_t __readlink_chk(const char* path, char* buffer, size_t size, size_t) noexcept {
  return readlink(path, buffer, size);
}

int access(const char* path, int mode) noexcept {
  if (const auto result = fake_access(path, mode)) return *result;
  return next<int(const char*, int)>("access")(path, mode);
}
int faccessat(int directory, const char* path, int mode, int flags) noexcept {
  if (const auto result = fake_access(path, mode)) return *result;
  return next<int(int, const char*, int, int)>("faccessat")(directory, path, mode, flags);
}

FILE* fopen(const char* path, const char* mode) { return fopen_any(path, mode, "fopen"); }
FILE* fopen64(const char* path, const char* mode) { return fopen_any(path, mode, "fopen64"); }

}  // extern "C"
