// SPDX-License-Identifier: Apache-2.0
// Ctrl-C and SIGTERM, read in a normal thread: work is cancelled without loss, a second one wipes and leaves at once.
#pragma once

#include <atomic>
#include <thread>

namespace nicol::app {

class StopSignal {
 public:
  /// Takes the signalfd that secret::block_termination_signals() gave main.
  explicit StopSignal(int descriptor);
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  bool requested() const noexcept { return requested_; }

 private:
  void listen(std::stop_token stop);
  int descriptor_;
  std::atomic<bool> requested_{false};
  std::jthread thread_;
};

}  // namespace nicol::app
