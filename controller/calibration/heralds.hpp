// SPDX-License-Identifier: Apache-2.0
// Which slots of the other side's light count: those with a herald there, as its own tagger says.
#pragma once

#include <memory>
#include <vector>

#include "controller/detection/slot_detector.hpp"

namespace nicol::calibration {

class Heralds {
 public:
  virtual ~Heralds() = default;
  /// Before the first pulse of a block of so many slots.
  virtual Result<void> begin(std::uint64_t slots) = 0;
  /// What has become known since the last look, without waiting: slots in rising order.
  virtual Result<detection::HeraldDetector::Progress> more() = 0;
  virtual void end() noexcept = 0;
};

/// Those of a rig in this process. It outlives them.
class OwnHeralds final : public Heralds {
 public:
  explicit OwnHeralds(hal::Rig& rig) : rig_(&rig) {}
  /// not_found: the rig has no tagger.
  Result<void> begin(std::uint64_t slots) override;
  Result<detection::HeraldDetector::Progress> more() override;
  void end() noexcept override;

 private:
  static constexpr std::size_t kTags = 1 << 14, kLosses = 256;
  hal::Rig* rig_;
  hal::TimeTagger* tagger_ = nullptr;
  std::unique_ptr<detection::HeraldDetector> detector_;
  std::vector<hal::TimeTag> tags_;
  std::vector<hal::LossInterval> losses_;
};

}  // namespace nicol::calibration
