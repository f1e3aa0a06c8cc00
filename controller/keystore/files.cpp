// SPDX-License-Identifier: Apache-2.0
// Durable files: system calls, their errors and their order.
#include "controller/keystore/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace nicol::keystore {
namespace {

constexpr std::string_view kAside = ".tmp";

Result<void> write_bytes(int fd, const void* data, std::size_t size, const std::filesystem::path& path) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = ::write(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return file_error("cannot write", path);
    at += n;
    size -= static_cast<std::size_t>(n);
  }
  return {};
}

std::string mode_and_owner(const struct stat& s) {
  return fmt::format("mode {:04o}, owner {}", static_cast<unsigned>(s.st_mode & 07777), s.st_uid);
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Error file_error(std::string_view doing, const std::filesystem::path& path, Code code) {
  const int number = errno;
  return {.code = code,
          .message = fmt::format("{} {}: {}", doing, path.string(), std::strerror(number)),
          .device = {},
          .native_code = number,
          .cause = {}};
}

Result<void> write_all(int fd, std::span<const std::uint8_t> bytes, const std::filesystem::path& path) {
  return write_bytes(fd, bytes.data(), bytes.size(), path);
}

Result<void> write_all(int fd, const secret::LockedKey& secret, const std::filesystem::path& path) {
  return secret.with_read(
      [&](std::span<const std::byte> s) -> Result<void> { return write_bytes(fd, s.data(), s.size(), path); });
}

Result<void> sync_file(int fd, const std::filesystem::path& path) {
  if (::fsync(fd) != 0) return file_error("cannot sync", path, Code::hardware_fault);
  return {};
}

Result<void> sync_data(int fd, const std::filesystem::path& path) {
  if (::fdatasync(fd) != 0) return file_error("cannot sync", path, Code::hardware_fault);
  return {};
}

Result<secret::LockedKey> read_locked(int fd, std::size_t most, const std::filesystem::path& path) {
  struct stat s {};
  if (::fstat(fd, &s) != 0) return file_error("cannot look at", path);
  if (!S_ISREG(s.st_mode) || s.st_size <= 0 || static_cast<std::size_t>(s.st_size) > most)
    return Error{.code = Code::bad_input,
                 .message = fmt::format("{} has {} bytes, expected a file of 1 to {}", path.string(), s.st_size, most)};
  auto key = secret::LockedKey::create(static_cast<std::size_t>(s.st_size));
  if (!key) return std::move(key).error();
  const bool whole = key->with_write([&](std::span<std::byte> out) {
    while (!out.empty()) {
      const ssize_t n = ::read(fd, out.data(), out.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      out = out.subspan(static_cast<std::size_t>(n));
    }
    return true;
  });
  if (!whole) return file_error("cannot read", path);
  return key;
}

Result<void> check_private_file(int fd, const std::filesystem::path& path) {
  struct stat s {};
  if (::fstat(fd, &s) != 0) return file_error("cannot look at", path);
  if (S_ISREG(s.st_mode) && (s.st_mode & 07777) == 0600 && s.st_uid == ::geteuid()) return {};
  return Error{.code = Code::bad_input,
               .message = fmt::format("{} must be a file of mode 0600 owned by user {}, but has {}; if nobody else can "
                                      "have read it: chmod 600 {}",
                                      path.string(), ::geteuid(), mode_and_owner(s), path.string())};
}

Result<Folder> Folder::open(std::filesystem::path path, FaultPoint fault) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return file_error("cannot make folder", path);
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.open()) return file_error("cannot open folder", path);
  struct stat s {};
  if (::fstat(fd.get(), &s) != 0) return file_error("cannot look at", path);
  if ((s.st_mode & 077) != 0 || s.st_uid != ::geteuid())
    return Error{.code = Code::bad_input,
                 .message = fmt::format("{} must be a folder of mode 0700 owned by user {}, but has {}; chmod 700 {}",
                                        path.string(), ::geteuid(), mode_and_owner(s), path.string())};
  return Folder(std::move(fd), std::move(path), std::move(fault));
}

void Folder::at(std::string_view what, std::string_view boundary) const {
  if (fault_) fault_(fmt::format("{}.{}", what, boundary));
}

bool Folder::contains(const std::string& name) const {
  struct stat s {};
  return ::fstatat(fd(), name.c_str(), &s, AT_SYMLINK_NOFOLLOW) == 0;
}

Result<std::vector<std::string>> Folder::names() const {
  const int copy = ::openat(fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* dir = copy < 0 ? nullptr : ::fdopendir(copy);
  if (dir == nullptr) {
    Error error = file_error("cannot list", path_);
    if (copy >= 0) ::close(copy);
    return error;
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir))
    if (std::string_view(entry->d_name) != "." && std::string_view(entry->d_name) != "..")
      names.emplace_back(entry->d_name);
  ::closedir(dir);
  return names;
}

Result<Fd> Folder::open_file(const std::string& name, int flags) const {
  Fd file(::openat(fd(), name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.open()) return file_error("cannot open", path_ / name, errno == ENOENT ? Code::not_found : Code::io);
  return file;
}

Result<Bytes> Folder::read(const std::string& name, std::size_t most) const {
  auto file = open_file(name, O_RDONLY);
  if (!file) return std::move(file).error();
  Bytes bytes;
  std::array<std::uint8_t, 4096> part{};
  for (;;) {
    const ssize_t n = ::read(file->get(), part.data(), part.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error("cannot read", path_ / name);
    if (n == 0) return bytes;
    if (bytes.size() + static_cast<std::size_t>(n) > most)
      return Error{.code = Code::bad_input,
                   .message = fmt::format("{} has more than {} bytes", (path_ / name).string(), most)};
    bytes.insert(bytes.end(), part.begin(), part.begin() + n);
  }
}

Result<void> Folder::replace(const std::string& name, std::string_view what, const Producer& produce) const {
  const std::string aside = name + std::string(kAside);
  at(what, "write");
  const auto write_aside = [&]() -> Result<void> {
    auto file = open_file(aside, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file) return std::move(file).error();
    if (auto written = produce(file->get()); !written) return written;
    at(what, "written");
    if (auto synced = sync_file(file->get(), path_ / aside); !synced) return synced;
    at(what, "fsync");
    return {};
  };
  if (auto done = write_aside(); !done) {
    ::unlinkat(fd(), aside.c_str(), 0);
    return done;
  }
  if (::renameat(fd(), aside.c_str(), fd(), name.c_str()) != 0) return file_error("cannot rename to", path_ / name);
  at(what, "rename");
  if (auto synced = sync(); !synced) return synced;
  at(what, "dirsync");
  return {};
}

Result<void> Folder::replace(const std::string& name, std::string_view what,
                             std::span<const std::uint8_t> bytes) const {
  return replace(name, what, [&](int file) { return write_all(file, bytes, path_ / name); });
}

Result<void> Folder::sync() const { return sync_file(fd(), path_); }

void Folder::destroy(const std::string& name, std::string_view what) const noexcept {
  at(what, "wipe");
  if (auto file = open_file(name, O_WRONLY); file) {
    struct stat s {};
    const Bytes zeros(1u << 16);
    if (::fstat(file->get(), &s) == 0)
      for (off_t left = s.st_size; left > 0;) {
        const auto part = std::min<std::size_t>(zeros.size(), static_cast<std::size_t>(left));
        if (!write_all(file->get(), std::span(zeros).first(part), path_ / name)) break;
        left -= static_cast<off_t>(part);
      }
    (void)::fdatasync(file->get());
  }
  remove(name, what);
}

void Folder::remove(const std::string& name, std::string_view what) const noexcept {
  at(what, "unlink");
  ::unlinkat(fd(), name.c_str(), 0);
  at(what, "unlinked");
}

void Folder::destroy_all(std::string_view what) && noexcept {
  if (auto all = names(); all)
    for (const std::string& name : *all) destroy(name, what);
  ::rmdir(path_.c_str());
}

}  // namespace nicol::keystore
