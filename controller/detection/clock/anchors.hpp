// SPDX-License-Identifier: Apache-2.0
// Known slots and their times, and the straight stretches between neighbours that detection numbers tags by.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "controller/detection/stretch.hpp"

namespace nicol::detection {

class Anchors {
 public:
  struct Anchor {
    std::int64_t slot = 0, time = 0;
  };
  bool empty() const noexcept { return count_ == 0; }
  bool full() const noexcept { return count_ == kMost; }
  bool has_closed() const noexcept { return count_ > 1; }
  Stretch oldest() const noexcept { return between(at(0), at(1)); }
  std::int64_t oldest_end() const noexcept { return at(1).time; }
  const Anchor& newest() const noexcept { return at(count_ - 1); }
  void pop() noexcept {
    head_ = (head_ + 1) % kMost;
    --count_;
  }
  /// Later in slot and in time than the newest; not full().
  void push(Anchor a) noexcept { ring_[(head_ + count_++) % kMost] = a; }
  void clear() noexcept { head_ = count_ = 0; }
  static Stretch between(const Anchor& a, const Anchor& b) noexcept {
    return {a.time, a.slot, b.time - a.time, b.slot - a.slot};
  }

 private:
  static constexpr std::size_t kMost = 64;
  const Anchor& at(std::size_t i) const noexcept { return ring_[(head_ + i) % kMost]; }
  std::array<Anchor, kMost> ring_{};
  std::size_t head_ = 0, count_ = 0;
};

}  // namespace nicol::detection
