// SPDX-License-Identifier: Apache-2.0
// Rig clocks: steady time from their making, or a number that only light and mechanics move.
#include "drivers/hal/clocks.hpp"

#include <atomic>
#include <thread>

namespace nicol {
namespace {

class SteadyRigClock final : public RigClock {
 public:
  Picoseconds now() const noexcept override {
    return {std::chrono::nanoseconds(std::chrono::steady_clock::now() - start_).count() * 1000};
  }
  void advance_to(Picoseconds t) noexcept override {
    std::this_thread::sleep_until(start_ + std::chrono::nanoseconds((t.count + 999) / 1000));
  }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

class VirtualRigClock final : public RigClock {
 public:
  Picoseconds now() const noexcept override { return {now_.load(std::memory_order_acquire)}; }
  void advance_to(Picoseconds t) noexcept override {
    std::int64_t seen = now_.load(std::memory_order_relaxed);
    while (seen < t.count && !now_.compare_exchange_weak(seen, t.count, std::memory_order_acq_rel)) {
    }
  }

 private:
  std::atomic<std::int64_t> now_{0};
};

}  // namespace

std::unique_ptr<RigClock> make_steady_rig_clock() { return std::make_unique<SteadyRigClock>(); }
std::unique_ptr<RigClock> make_virtual_rig_clock() { return std::make_unique<VirtualRigClock>(); }

}  // namespace nicol
