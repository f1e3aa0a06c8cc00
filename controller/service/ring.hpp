// SPDX-License-Identifier: Apache-2.0
// Bounded, drop-oldest history that faces read by since(sequence, limit): logs, alarms, blocks, journal.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

namespace nicol::service {

template <class T>
struct Numbered {
  std::uint64_t sequence = 0;
  T value;
};

/// Thread-safe. Sequences start at 1 and never repeat; a reader that fell behind sees a gap in the numbers.
template <class T>
class Ring {
 public:
  explicit Ring(std::size_t capacity) : capacity_(capacity) {}
  std::uint64_t push(T value) {
    const std::lock_guard lock(mutex_);
    if (entries_.size() == capacity_) entries_.pop_front();
    entries_.push_back({++last_, std::move(value)});
    return last_;
  }
  /// Up to `limit` entries after `sequence`, oldest first.
  std::vector<Numbered<T>> since(std::uint64_t sequence, std::size_t limit) const {
    const std::lock_guard lock(mutex_);
    std::vector<Numbered<T>> out;
    for (const auto& e : entries_)
      if (e.sequence > sequence && out.size() < limit) out.push_back(e);
    return out;
  }

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;  // guards entries_ and last_
  std::deque<Numbered<T>> entries_;
  std::uint64_t last_ = 0;
};

}  // namespace nicol::service
