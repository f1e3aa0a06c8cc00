// SPDX-License-Identifier: Apache-2.0
// The vault as a recording needs it: one that writes down what a vault answers (of a tag check the outcome, of a key a
// digest, never a pad or a key), and one that gives those answers again and ends in ReplayedKeys.
#pragma once

#include <memory>
#include <vector>

#include "controller/distillation/replayed_key.hpp"
#include "controller/recording/recorded_random.hpp"
#include "controller/session/vault.hpp"

namespace nicol::service {

using DigestKey = std::array<std::uint8_t, 32>;

/// `inner` and `to` outlive it.
std::unique_ptr<session::Vault> make_recording_vault(session::Vault& inner, recording::Writer& to,
                                                     const DigestKey& digest_key);

/// A key that the replay made, and whether it is the recorded one bit for bit, made on the recorded way.
struct ReplayedResult {
  distillation::ReplayedKey key;
  bool identical = false;
};

/// Has no store and no secret: its alpha is zero, its tags are zeros, its checks come out as they did (and fail once
/// the replay has left the recording).
class ReplayedVault : public session::Vault {
 public:
  virtual std::vector<ReplayedResult> take_keys() = 0;
};
/// `from` and `departure` outlive it.
std::unique_ptr<ReplayedVault> make_replayed_vault(recording::Reader& from, recording::Departure& departure,
                                                   const DigestKey& digest_key);

}  // namespace nicol::service
