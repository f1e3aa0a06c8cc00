// SPDX-License-Identifier: Apache-2.0
// nicol replay --sent F --bob F: what Alice sent and a foreign recording of Bob's tags through the offline half: what
// the key would have been.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "controller/app/commands.hpp"

namespace nicol::app {

struct SentOptions {
  std::filesystem::path sent, bob;
  std::string format;                           // of Bob's
  std::int64_t slot_ps = 0;                     // of Alice's clock
  std::int64_t gate_ps = 0;                     // full width; 0: a third of a slot
  std::int64_t delay_ps = 0;                    // from a sync pulse to the click of its slot
  std::int64_t dead_ps = 0;                     // longest dead time of a detector
  std::optional<unsigned> sync;                 // channel; else what the file says
  std::uint64_t sync_divider = 1;               // slots a sync pulse
  std::vector<unsigned> detectors{0, 1, 2, 3};  // channels of V, minus, H, plus
  std::uint64_t preamble = 0, repeat = 0, tail = 0, spacing = 32, pattern_seed = 0;  // public slots, without sync
  std::uint64_t block_bits = 1'000'000;
};
Exit replay_sent(const SentOptions& options, Context& context);

}  // namespace nicol::app
