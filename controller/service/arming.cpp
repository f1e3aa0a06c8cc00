// SPDX-License-Identifier: Apache-2.0
#include "controller/service/arming.hpp"

#include <utility>

#include "drivers/hal/random.hpp"

namespace nicol::service {

Arming::Arming(hal::PhotonSource& source, std::function<void()> done)
    : thread_([this, &source, done = std::move(done)] {
        Result<void> armed = source.arm({os_random_word()});
        {
          const std::lock_guard lock(mutex_);
          answer_ = std::move(armed);
        }
        done();
      }) {}

std::optional<Result<void>> Arming::take_answer() {
  const std::lock_guard lock(mutex_);
  return std::exchange(answer_, std::nullopt);
}

}  // namespace nicol::service
