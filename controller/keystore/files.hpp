// SPDX-License-Identifier: Apache-2.0
// Durable files: written aside, synced, renamed, and the folder synced, with a FaultPoint at every boundary.
// A failed sync is hardware_fault: what the disk then holds is unknown, and the store that sees it closes its pools.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/keystore/codec.hpp"
#include "controller/keystore/key_store.hpp"
#include "controller/secret/locked_key.hpp"
#include "drivers/hal/result.hpp"

namespace nicol::keystore {

class Fd {
 public:
  explicit Fd(int fd = -1) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  int get() const noexcept { return fd_; }
  bool open() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

/// "DOING PATH: STRERROR", with errno as native code.
Error file_error(std::string_view doing, const std::filesystem::path& path, Code code = Code::io);

Result<void> write_all(int fd, std::span<const std::uint8_t> bytes, const std::filesystem::path& path);
Result<void> write_all(int fd, const secret::LockedKey& secret, const std::filesystem::path& path);
/// fsync; hardware_fault when it fails.
Result<void> sync_file(int fd, const std::filesystem::path& path);
/// The same for a file whose size did not change: spares the file system's journal.
Result<void> sync_data(int fd, const std::filesystem::path& path);
/// All of a regular file of 1..most bytes, straight into locked pages.
Result<secret::LockedKey> read_locked(int fd, std::size_t most, const std::filesystem::path& path);
/// Refuses (bad_input, mode and owner named) a regular file that is not 0600 or not ours.
Result<void> check_private_file(int fd, const std::filesystem::path& path);

/// An open folder of ours, 0700.
class Folder {
 public:
  /// Makes it when missing. bad_input when others may enter it or it is not ours.
  static Result<Folder> open(std::filesystem::path path, FaultPoint fault);

  const std::filesystem::path& path() const { return path_; }
  int fd() const { return fd_.get(); }
  void at(std::string_view what, std::string_view boundary) const;
  const FaultPoint& fault() const { return fault_; }

  bool contains(const std::string& name) const;
  Result<std::vector<std::string>> names() const;
  Result<Fd> open_file(const std::string& name, int flags) const;
  Result<Bytes> read(const std::string& name, std::size_t most) const;

  using Producer = std::function<Result<void>(int fd)>;
  /// Boundaries: WHAT.write, .written, .fsync, .rename, .dirsync.
  Result<void> replace(const std::string& name, std::string_view what, const Producer& produce) const;
  Result<void> replace(const std::string& name, std::string_view what, std::span<const std::uint8_t> bytes) const;
  Result<void> sync() const;
  /// Overwrites with zeros (best effort: what a flash disk keeps is out of reach) and unlinks.
  /// Boundaries: WHAT.wipe, .unlink, .unlinked.
  void destroy(const std::string& name, std::string_view what) const noexcept;
  /// Unlinks what holds no secret (a file that is overwritten first could be met half wiped). Boundaries: WHAT.unlink,
  /// .unlinked.
  void remove(const std::string& name, std::string_view what) const noexcept;
  /// Everything in it, then the folder itself.
  void destroy_all(std::string_view what) && noexcept;

 private:
  Folder(Fd fd, std::filesystem::path path, FaultPoint fault)
      : fd_(std::move(fd)), path_(std::move(path)), fault_(std::move(fault)) {}
  Fd fd_;
  std::filesystem::path path_;
  FaultPoint fault_;
};

}  // namespace nicol::keystore
