// SPDX-License-Identifier: Apache-2.0
// nicol replay --sifted FOLDER: the sifted bits of every replayed block, as `tool sift` writes them, and where each
// stands.
#pragma once

#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "controller/service/replayed_bits.hpp"

namespace nicol::app {

/// FOLDER/alice-0.bits (bit k = byte k/8, bit k%8; 0600) and FOLDER/alice-0.places (one decimal number a line: the
/// slot; of pairs, ps of Alice's clock).
class SiftedFiles {
 public:
  /// Makes the folder (0700) where there is none. Nothing in it is ever replaced.
  static Result<SiftedFiles> in(const std::filesystem::path& folder);

  struct Written {
    std::uint64_t index = 0, bits = 0;
    std::filesystem::path file;
  };
  /// The first failure ends the writing and is told by trouble().
  void take(const service::ReplayedBits& bits);
  const std::optional<Error>& trouble() const { return trouble_; }
  /// What one node's replay wrote; taken once.
  std::vector<Written> take_written() { return std::exchange(written_, {}); }

 private:
  explicit SiftedFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path folder_;
  std::vector<Written> written_;
  std::optional<Error> trouble_;
};

}  // namespace nicol::app
