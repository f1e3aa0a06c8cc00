// SPDX-License-Identifier: Apache-2.0
// libc's listing of directories as this executable has it: fakes come first, what is really there after them.
#include <dirent.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>

#include "tests/support/interpose.hpp"

namespace nicol::test {
namespace {

/// A listing under way: names still to be told, and the entry last told.
struct Listing {
  std::vector<std::string> names;
  bool fakes_only = false;  // the directory does not exist on this machine
  dirent entry{};
};

class Listings {
 public:
  void add(DIR* directory, Listing listing) {
    const std::lock_guard lock(mutex_);
    listings_[directory] = std::move(listing);
  }
  void remove(DIR* directory) {
    const std::lock_guard lock(mutex_);
    listings_.erase(directory);
  }
  /// The next fake entry. One thread reads one directory, so the pointer holds until its next call.
  dirent* take(DIR* directory) {
    const std::lock_guard lock(mutex_);
    const auto it = listings_.find(directory);
    if (it == listings_.end() || it->second.names.empty()) return nullptr;
    Listing& listing = it->second;
    fill(listing.entry, listing.names.back());
    listing.names.pop_back();
    return &listing.entry;
  }
  bool ends_here(DIR* directory) {
    const std::lock_guard lock(mutex_);
    const auto it = listings_.find(directory);
    return it != listings_.end() && it->second.fakes_only;
  }

 private:
  static void fill(dirent& entry, const std::string& name) {
    entry = dirent{};
    entry.d_ino = 1;
    entry.d_type = DT_LNK;
    entry.d_reclen = sizeof entry;
    name.copy(entry.d_name, sizeof entry.d_name - 1);
  }
  std::mutex mutex_;  // guards listings_
  std::map<DIR*, Listing> listings_;
};

// Leaked, as libraries may list after main has returned.
Listings& listings() {
  static auto* const made = new Listings;
  return *made;
}

std::optional<std::vector<std::string>> entries_of(const char* directory) {
  if (auto names = tty_tree().entries(directory)) return names;
  return usb_tree().entries(directory);
}

DIR* open_directory(const char* path) {
  static auto* const libc_opendir = next<DIR*(const char*)>("opendir");
  auto names = entries_of(path);
  DIR* directory = libc_opendir(path);
  if (!names) return directory;
  const bool fakes_only = directory == nullptr;
  if (fakes_only) directory = libc_opendir("/");
  if (directory != nullptr) listings().add(directory, {std::move(*names), fakes_only, {}});
  return directory;
}

}  // namespace
}  // namespace nicol::test

using namespace nicol::test;  // NOLINT: the definitions below cannot live in a namespace

extern "C" {

DIR* opendir(const char* path) { return open_directory(path); }

int closedir(DIR* directory) {
  listings().remove(directory);
  return next<int(DIR*)>("closedir")(directory);
}

dirent* readdir(DIR* directory) {
  if (dirent* const fake = listings().take(directory)) return fake;
  if (listings().ends_here(directory)) return nullptr;
  return next<dirent*(DIR*)>("readdir")(directory);
}

dirent64* readdir64(DIR* directory) {
  static_assert(sizeof(dirent64) == sizeof(dirent), "one layout on 64-bit Linux");
  return reinterpret_cast<dirent64*>(readdir(directory));
}

int readdir_r(DIR* directory, dirent* entry, dirent** result) {
  if (const dirent* const fake = listings().take(directory)) {
    *entry = *fake;
    *result = entry;
    return 0;
  }
  *result = nullptr;
  if (listings().ends_here(directory)) return 0;
  return next<int(DIR*, dirent*, dirent**)>("readdir_r")(directory, entry, result);
}

}  // extern "C"
