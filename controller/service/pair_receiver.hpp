// SPDX-License-Identifier: Apache-2.0
// The quantum phase where pairs are shared, the same on both sides: detectors open, tags to clicks, until the block's
// time is over.
#pragma once

#include <array>
#include <chrono>
#include <memory>

#include "controller/service/pair_measurement.hpp"
#include "controller/service/rate_guard.hpp"
#include "controller/service/tag_buffer.hpp"
#include "drivers/hal/rig.hpp"

namespace nicol::service {

struct PairReceiverOptions {
  session::Side side = session::Side::alice;
  session::PairAgreement pairs;
  std::size_t clicks_per_block = std::size_t{1} << 21;
  std::chrono::milliseconds acquire_patience{20};
  std::array<std::int64_t, 4> corrections{};  // as ClickStreamOptions has them
  LightJournal* journal = nullptr;            // outlives the receiver
};

/// One block. work() does a bounded piece and returns.
class PairReceiver {
 public:
  /// Shutter open, detectors on, tagger started. The guard outlives this.
  static Result<PairReceiver> begin(hal::Rig& rig, Random& random, RateGuard& guard, const PairReceiverOptions& options,
                                    std::uint64_t block, std::uint64_t slots);

  enum class Progress : std::uint8_t { acquired, idle, finished };
  /// over_rate: a detector was over its limit; see RateGuard.
  Result<Progress> work();
  Picoseconds elapsed() const { return measurement_->elapsed(); }
  std::uint64_t clicks() const { return measurement_->clicks(); }

  /// The rig was just found as it was set: what was detected so far is confirmed.
  void confirm() { confirmed_ = measurement_->elapsed(); }
  /// What no look at the rig vouches for is dropped.
  void drop_unconfirmed() { measurement_->drop_from(confirmed_); }
  /// Ends the block; what is missing of its time is dropped.
  detection::pairs::MeasuredClicks finish() { return measurement_->finish(); }

 private:
  PairReceiver(hal::TimeTagger& tagger, RateGuard& guard, const PairReceiverOptions& options);
  hal::TimeTagger* tagger_;
  RateGuard* guard_;
  PairReceiverOptions options_;
  std::unique_ptr<TagBuffer> tags_;
  std::unique_ptr<PairMeasurement> measurement_;
  Picoseconds confirmed_;
};

}  // namespace nicol::service
