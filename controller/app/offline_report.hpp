// SPDX-License-Identifier: Apache-2.0
// What the offline half says of foreign recordings, the same for pairs and for prepared light (nicol.offline/1).
#pragma once

#include <nlohmann/json.hpp>

#include "controller/app/exit_code.hpp"
#include "controller/app/offline_key.hpp"

namespace nicol::app {

/// Sifted bits a block that --block-bits may ask for.
Result<void> check_block_bits(std::uint64_t bits);

/// Blocks as they come.
class OfflineReport {
 public:
  void take(const OfflineResult& result);
  /// Adds schema, blocks and the sum of secret bits to what is said of the recordings.
  nlohmann::json document(nlohmann::json recordings) &&;

 private:
  nlohmann::json blocks_ = nlohmann::json::array();
  std::uint64_t secret_bits_ = 0;
};

/// `head`: a line about the recordings.
void print_offline(const std::string& head, const nlohmann::json& document);
Exit offline_exit(const nlohmann::json& document);

}  // namespace nicol::app
