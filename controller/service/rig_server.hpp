// SPDX-License-Identifier: Apache-2.0
// The other end of a calibration: this node's source and shutter in the peer's hands, one call at a time, dark when he
// falls silent.
#pragma once

#include <functional>
#include <vector>

#include "controller/calibration/heralds.hpp"
#include "controller/service/rig_call.hpp"

namespace nicol::service {

/// Engine thread only.
class RigServer {
 public:
  /// `consent` arms where this node may; the rig outlives the server.
  RigServer(hal::Rig& rig, const Deadlines& deadlines, std::function<Result<void>()> consent)
      : rig_(&rig), deadlines_(&deadlines), consent_(std::move(consent)), heralds_(rig) {}

  /// Does what a RIG_CALL asks; the answer to send. `busy` (not empty): why this rig cannot be had now.
  std::vector<std::uint8_t> answer(std::span<const std::uint8_t> call, std::string_view busy);
  /// The peer has it: no block is opened.
  bool in_use() const { return in_use_; }
  /// Called now and then: after five seconds of silence the light goes out and the rig is this node's again.
  void look();
  /// Dark; this node's again.
  void let_go() noexcept;

 private:
  Result<std::vector<std::uint64_t>> perform(const RigCall& call);
  Result<std::vector<std::uint64_t>> shine(const RigCall& call);
  Result<std::vector<std::uint64_t>> shutter(RigMethod method);
  Result<std::vector<std::uint64_t>> listen(const RigCall& call);
  Result<std::vector<std::uint64_t>> next_heralds();
  hal::Rig* rig_;
  const Deadlines* deadlines_;
  std::function<Result<void>()> consent_;
  calibration::OwnHeralds heralds_;
  detection::HeraldDetector::Progress heard_;  // not asked for yet
  bool in_use_ = false;
  Deadline silent_until_{};
};

}  // namespace nicol::service
