// SPDX-License-Identifier: Apache-2.0
// The peer's rig as a routine sees it: its source and shutter, each call a RIG_CALL that waits for its answer.
#pragma once

#include <functional>
#include <memory>

#include "controller/calibration/heralds.hpp"
#include "controller/service/rig_call.hpp"

namespace nicol::service {

/// Sends one call and waits for its answer: busy, timeout, disconnected, or what the peer says.
using AskPeer = std::function<Result<RigAnswer>(RigCall call)>;

/// Used from the routine's thread alone. Its devices are gone with the link: every call says so.
std::unique_ptr<hal::Rig> make_remote_rig(AskPeer ask);

/// Which slots of the peer's light count, as his own tagger says. From the routine's thread alone; `ask` outlives it.
class RemoteHeralds final : public calibration::Heralds {
 public:
  explicit RemoteHeralds(const AskPeer& ask) : ask_(&ask) {}
  Result<void> begin(std::uint64_t slots) override;
  Result<detection::HeraldDetector::Progress> more() override;
  void end() noexcept override;

 private:
  Result<std::vector<std::uint64_t>> call(RigMethod method, std::uint64_t number = 0) const;
  const AskPeer* ask_;
};

}  // namespace nicol::service
