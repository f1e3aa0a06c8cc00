// SPDX-License-Identifier: Apache-2.0
// Runs a recorded node again, as fast as it goes: the same session, detection and preparation, fed with what was
// recorded, every frame it sends compared with what was sent. It ends in ReplayedKeys.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controller/recording/seal.hpp"
#include "controller/service/recorded_vault.hpp"
#include "controller/service/replayed_bits.hpp"
#include "controller/session/session.hpp"

namespace nicol::service {

/// The first frame that is not what was sent.
struct FrameDifference {
  std::string frame;                   // "HINT"
  std::uint64_t number = 0;            // its sequence number in its connection
  std::uint64_t entry = 0;             // of the recording
  std::optional<std::uint64_t> block;  // that was open, counted from the run's start
  std::string what;
};

struct ReplayReport {
  session::Side side = session::Side::alice;
  std::optional<std::string> cut_short;  // the recording has no end: why
  std::uint64_t entries = 0, tags = 0, frames_received = 0, frames_sent = 0;
  std::vector<session::BlockResult> blocks;
  std::vector<ReplayedResult> keys;
  std::optional<FrameDifference> first_difference;
  std::optional<std::string> departure;  // the first draw, answer, result or key that differs
  bool stopped = false;                  // before the end, by the caller
  /// Everything came out as it was recorded.
  bool identical() const { return !first_difference && !departure; }
};

/// Reads the file twice: nothing of a file that was changed is replayed (bad_input names the place). `stop`, if any,
/// is asked now and then; `take`, if any, gets the sifted bits of each block.
Result<ReplayReport> replay(const std::filesystem::path& file, const recording::SealSecret& secret,
                            const std::function<bool()>& stop, const TakeBits& take = {});

}  // namespace nicol::service
