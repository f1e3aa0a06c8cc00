// SPDX-License-Identifier: Apache-2.0
// The detectors by themselves: every click of each in light, without it, and behind a closed shutter.
#pragma once

#include <vector>

#include "controller/calibration/bench.hpp"

namespace nicol::calibration {

/// shut_out: the own shutter is closed. not_sent: it is open, the other side's is closed. falls: both are open.
enum class LightHere : std::uint8_t { shut_out, not_sent, falls };

struct DetectorClicks {
  std::string name;  // "detector-0", as the channels are listed
  hal::ChannelLayout channel;
  std::vector<std::int64_t> gaps;  // ps from a click to the next, sorted; none across something lost
  std::uint64_t clicks = 0;
};

struct Heard {
  std::vector<DetectorClicks> detectors;
  double seconds = 0;  // what was lost is taken off
};

/// The source plays all the while, in states that mean nothing: a simulated rig's time stands still otherwise. At most
/// 16 Mi clicks. not_found: no tagger, no detector channel, no pulsed source; not_supported: no shutter to make that
/// darkness with.
Result<Heard> listen(Bench& bench, LightHere light, double seconds);

}  // namespace nicol::calibration
