// SPDX-License-Identifier: Apache-2.0
// Alice's tagger: heralds with their dark counts and jitter, sync and frame, for the stretch of time her source emits.
#pragma once

#include <condition_variable>
#include <span>

#include "sim/devices/tagger_base.hpp"

namespace nicol::sim {

class HeraldTagger final : public TaggerBase {
 public:
  HeraldTagger(const Scenario& scenario, std::uint64_t seed);

  Result<void> start() override;
  Result<void> stop() override;
  hal::StreamStatus acquire(hal::TagBlock& block, Deadline deadline) noexcept override;
  void safe_state() noexcept override;
  void unplug() noexcept override;

  /// From the source: a stretch of slots has left, with heralds in these slots (increasing).
  void stretch(const LightHeader& header, std::span<const std::uint64_t> heralds);

 private:
  void wake();
  const std::int64_t offset_;  // ps, of a herald after its slot's start
  DetectorBank bank_;          // guarded by stream_mutex_
  std::condition_variable news_;
};

}  // namespace nicol::sim
