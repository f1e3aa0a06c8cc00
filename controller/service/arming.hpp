// SPDX-License-Identifier: Apache-2.0
// A source is armed on a thread of its own: a diode that warms takes as long as it takes, and the engine goes on.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "drivers/hal/photon_source.hpp"

namespace nicol::service {

class Arming {
 public:
  /// Begins. `done` is called from its thread when there is an answer. Both outlive it.
  Arming(hal::PhotonSource& source, std::function<void()> done);
  /// Waits for the answer; a source that is told to be dark meanwhile (safe_state) gives it at once.
  ~Arming() = default;
  /// Once; any thread.
  std::optional<Result<void>> take_answer();

 private:
  std::mutex mutex_;  // guards answer_
  std::optional<Result<void>> answer_;
  std::jthread thread_;
};

}  // namespace nicol::service
