// SPDX-License-Identifier: Apache-2.0
#include "drivers/transport/gate.hpp"

namespace nicol::transport {

Gate::Pass Gate::enter(Deadline deadline) {
  std::unique_lock lock(mutex_);
  const auto is_free = [this] { return !taken_; };
  if (deadline.at == Deadline{}.at)
    freed_.wait(lock, is_free);
  else if (!freed_.wait_until(lock, deadline.at, is_free))
    return Pass(nullptr);
  taken_ = true;
  return Pass(this);
}

void Gate::leave() {
  const std::lock_guard lock(mutex_);
  taken_ = false;
  freed_.notify_one();
}

}  // namespace nicol::transport
