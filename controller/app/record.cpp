// SPDX-License-Identifier: Apache-2.0
#include "controller/app/record.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace nicol::app {
namespace {

namespace fs = std::filesystem;
constexpr const char *kAlice = "alice", *kBob = "bob", *kSealKey = "seal.key";

Error bad(std::string message) { return {Code::bad_input, std::move(message), "", 0, {}}; }

Result<void> make_folder(const fs::path& folder) {
  std::error_code failed;
  if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), failed);
  if (::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return Error{Code::io, fmt::format("--record {}: {}", folder.string(), std::strerror(errno)), "", errno, {}};
}

Result<std::unique_ptr<recording::Writer>> begin(const fs::path& file, recording::Node node,
                                                 const recording::SealSecret& secret) {
  if (fs::exists(file)) return bad(fmt::format("--record: {} is there already: name a new folder", file.string()));
  return recording::Writer::create(file, node, secret);
}

}  // namespace

Result<recording::SealSecret> seal_secret(const SealOptions& seal, const fs::path& folder, SealKeyFile missing) {
  if (seal.passphrase_fd) return recording::read_passphrase(*seal.passphrase_fd);
  const fs::path file = seal.key_file.empty() ? folder / kSealKey : seal.key_file;
  if (missing == SealKeyFile::make && !fs::exists(file)) {
    if (auto made = recording::make_seal_key(file); !made) return std::move(made).error();
    fmt::print(stderr, "nicol: the recording is sealed with {}: who has both reads the run's keys\n", file.string());
  }
  return recording::read_seal_key(file);
}

Result<Recordings> begin_recordings(const fs::path& folder, const SealOptions& seal) {
  if (folder.empty()) return Recordings{};
  if (auto made = make_folder(folder); !made) return std::move(made).error();
  const auto secret = seal_secret(seal, folder, SealKeyFile::make);
  if (!secret) return secret.error();
  auto alice = begin(folder / kAlice, recording::Node::alice, *secret);
  if (!alice) return std::move(alice).error();
  auto bob = begin(folder / kBob, recording::Node::bob, *secret);
  if (!bob) return std::move(bob).error();
  return Recordings{*std::move(alice), *std::move(bob)};
}

Result<std::unique_ptr<recording::Writer>> begin_recording(const fs::path& folder, const SealOptions& seal,
                                                           session::Side side) {
  if (folder.empty()) return std::unique_ptr<recording::Writer>();
  if (auto made = make_folder(folder); !made) return std::move(made).error();
  const auto secret = seal_secret(seal, folder, SealKeyFile::make);
  if (!secret) return secret.error();
  const bool alice = side == session::Side::alice;
  return begin(folder / (alice ? kAlice : kBob), alice ? recording::Node::alice : recording::Node::bob, *secret);
}

Result<std::vector<fs::path>> recordings_at(const fs::path& path) {
  std::vector<fs::path> files;
  if (!fs::is_directory(path)) {
    files.push_back(path);
  } else {
    for (const char* name : {kAlice, kBob})
      if (fs::exists(path / name)) files.push_back(path / name);
  }
  if (!files.empty() && fs::exists(files.front())) return files;
  return bad(fmt::format("{}: expected a recording, or a folder with \"{}\" or \"{}\" as --record makes it",
                         path.string(), kAlice, kBob));
}

}  // namespace nicol::app
