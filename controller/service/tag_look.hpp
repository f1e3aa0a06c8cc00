// SPDX-License-Identifier: Apache-2.0
// One look at a node's tagger, the same for every receiver: the guard sees a block before detection does, and what was
// looked at is wiped whatever came of it.
#pragma once

#include <chrono>

#include "controller/service/rate_guard.hpp"
#include "controller/service/tag_buffer.hpp"
#include "drivers/hal/clocks.hpp"

namespace nicol::service {

struct TagLook {
  hal::StreamStatus status = hal::StreamStatus::timeout;
  Result<void> seen;  // over_rate, which no pause waits out; else what process() said
};

/// What a guard saw, as the error that closes the eyes.
Error too_bright(const RateGuard::OverRate& over);
/// The same for a calibration: sees each block, over_rate when there is too much light. The guard outlives it.
inline auto watched_by(RateGuard& guard) {
  return [&guard](const hal::TagBlock& block) -> Result<void> {
    if (block.sequence == 0) guard.begin_anew();
    if (const auto over = guard.see(block)) return too_bright(*over);
    return {};
  };
}
/// A stream that ended or went bad, in words.
Result<void> stands(hal::StreamStatus status);

template <class Process>
TagLook look_at_tags(hal::TimeTagger& tagger, TagBuffer& tags, RateGuard& guard, std::chrono::milliseconds patience,
                     Process&& process) {
  hal::TagBlock block = tags.block();
  const SteadyDeadlines steady;
  const hal::StreamStatus status = tagger.acquire(block, steady.in(patience));
  const auto over = guard.see(block);  // first: what drowns the tagger may be too much for detection as well
  Result<void> processed = process(block);
  tags.wipe(block);
  if (over) return {status, too_bright(*over)};
  return {status, std::move(processed)};
}

}  // namespace nicol::service
