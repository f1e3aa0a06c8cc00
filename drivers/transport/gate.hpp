// SPDX-License-Identifier: Apache-2.0
// One at a time, with a deadline: who writes on a line, who asks an instrument. (std::timed_mutex would do, were it
// visible to the thread sanitizer.)
#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

#include "drivers/hal/clocks.hpp"

namespace nicol::transport {

class Gate {
 public:
  /// Held until destroyed; false when the deadline passed first.
  class Pass {
   public:
    explicit Pass(Gate* gate) : gate_(gate) {}
    Pass(Pass&& o) noexcept : gate_(std::exchange(o.gate_, nullptr)) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (gate_ != nullptr) gate_->leave();
    }
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    Gate* gate_;
  };
  Pass enter(Deadline deadline);

 private:
  void leave();
  std::mutex mutex_;  // guards taken_
  std::condition_variable freed_;
  bool taken_ = false;
};

}  // namespace nicol::transport
