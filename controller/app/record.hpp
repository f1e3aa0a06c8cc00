// SPDX-License-Identifier: Apache-2.0
// --record and replay: which files a recorded run has, and what opens them.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "controller/recording/writer.hpp"
#include "controller/session/session.hpp"

namespace nicol::app {

/// How a recording is sealed. Neither: by FOLDER/seal.key, made when there is none.
struct SealOptions {
  std::filesystem::path key_file;
  std::optional<int> passphrase_fd;
};

enum class SealKeyFile : std::uint8_t { must_exist, make };
Result<recording::SealSecret> seal_secret(const SealOptions& seal, const std::filesystem::path& folder,
                                          SealKeyFile missing);

/// FOLDER/alice and FOLDER/bob.
struct Recordings {
  std::unique_ptr<recording::Writer> alice, bob;
};
/// Empty without a folder. bad_input when there is a recording in it already.
Result<Recordings> begin_recordings(const std::filesystem::path& folder, const SealOptions& seal);
/// One node's of them: FOLDER/alice or FOLDER/bob. Nothing without a folder.
Result<std::unique_ptr<recording::Writer>> begin_recording(const std::filesystem::path& folder, const SealOptions& seal,
                                                           session::Side side);
/// The recordings that a path means: a file, or those of a folder.
Result<std::vector<std::filesystem::path>> recordings_at(const std::filesystem::path& path);

}  // namespace nicol::app
