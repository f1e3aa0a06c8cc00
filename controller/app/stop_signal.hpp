// SPDX-License-Identifier: Apache-2.0
// Ctrl-C and SIGTERM, read in a normal thread: work is cancelled without loss, a second one wipes and leaves at once.
#pragma once

#include <thread>

namespace nicol::app {

class StopSignal {
 public:
  /// Takes the signalfd that secret::block_termination_signals() gave main.
  explicit StopSignal(int descriptor);
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  bool requested() const noexcept { return requested_.stop_requested(); }
  /// For work that takes one.
  std::stop_token token() const noexcept { return requested_.get_token(); }

 private:
  void listen(std::stop_token stop);
  int descriptor_;
  std::stop_source requested_;
  std::jthread thread_;
};

}  // namespace nicol::app
