// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/heralds.hpp"

#include <fmt/format.h>

namespace nicol::calibration {

Result<void> OwnHeralds::begin(std::uint64_t slots) {
  tagger_ = rig_->find<hal::TimeTagger>("tagger");
  if (tagger_ == nullptr)
    return Error{Code::not_found, "a heralded source needs a tagger on its own side", "tagger", 0, {}};
  tags_.resize(kTags), losses_.resize(kLosses);
  detector_ = std::make_unique<detection::HeraldDetector>(rig_->timing, tagger_->caps().tick, slots);
  return tagger_->start();
}

Result<detection::HeraldDetector::Progress> OwnHeralds::more() {
  if (!detector_) return Error{Code::unsafe_state, "no block has begun", "tagger", 0, {}};
  const SteadyDeadlines steady;
  for (;;) {
    hal::TagBlock block;
    block.storage = tags_, block.loss_storage = losses_;
    const hal::StreamStatus status = tagger_->acquire(block, Deadline{steady.now()});
    if (auto taken = detector_->process(block); !taken) return std::move(taken).error();
    if (status == hal::StreamStatus::timeout) return detector_->take_progress();
    if (status != hal::StreamStatus::ok && status != hal::StreamStatus::overflow)
      return Error{
          Code::disconnected, fmt::format("the heralds' stream ended: {}", hal::to_string(status)), "tagger", 0, {}};
  }
}

void OwnHeralds::end() noexcept {
  if (tagger_ != nullptr && detector_) (void)tagger_->stop();
  detector_.reset();
}

}  // namespace nicol::calibration
