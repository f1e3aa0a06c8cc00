// SPDX-License-Identifier: Apache-2.0
#include "controller/detection/pairs/event_queue.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace nicol::detection::pairs {
namespace {

constexpr std::int64_t kReorder = 1'000'000;  // ps: a card's channels may come in the wrong order by so much
constexpr std::size_t kAstray = 16;           // so many in a row are no glitch: the clock was set back
constexpr std::size_t kWorthMoving = 1 << 16;

}  // namespace

double delay_of(const Delays& delays, Pattern pattern) {
  double sum = 0;
  for (unsigned d = 0; d < 4; ++d)
    if ((unsigned{pattern} >> d & 1U) != 0) sum += delays[d];
  const int n = std::popcount(static_cast<unsigned>(pattern & 0xf));
  return n == 0 ? 0 : sum / n;
}

/// In order by the corrected time; moves past a few neighbours at most.
void EventQueue::put(std::int64_t time, std::uint64_t label) {
  times_.push_back(time);
  labels_.push_back(label);
  for (std::size_t k = times_.size() - 1; k > head_ && times_[k - 1] > times_[k]; --k) {
    std::swap(times_[k - 1], times_[k]);
    std::swap(labels_[k - 1], labels_[k]);
  }
}

/// An event earlier than the last one: false where it has to be left out.
bool EventQueue::step_back(std::int64_t& time) {
  ++counts_.backward_jumps;
  if (last_ - time <= kReorder) return true;
  if (time >= before_last_ && times_.size() > head_ + 1 && astray_ == 0) {
    times_.pop_back();  // the last one was far ahead of everything, not this one behind
    labels_.pop_back();
    ++counts_.left_out;
    last_ = before_last_;
    return true;
  }
  if (++astray_ < kAstray) {
    ++counts_.left_out;
    return false;
  }
  ++counts_.restarts;
  origin_ += last_ - time;
  time = last_;
  return true;
}

/// Events as they should be: photons, each later than all before. Returns where that ends.
std::size_t EventQueue::append_ordered(std::span<const std::int64_t> ticks, std::span<const Pattern> patterns,
                                       std::size_t first) {
  if (counts_.events == 0) return first;
  const bool whole = tick_.den == 1;
  const auto scale = static_cast<std::int64_t>(tick_.num);
  const std::size_t held = times_.size();
  times_.resize(held + ticks.size() - first);
  labels_.resize(times_.size());
  std::int64_t last = last_, before = before_last_;
  std::int64_t put = held > head_ ? times_[held - 1] : std::numeric_limits<std::int64_t>::min();
  std::size_t k = first;
  for (std::size_t at = held; k < ticks.size(); ++k, ++at) {
    const Pattern pattern = patterns.empty() ? Pattern{0} : patterns[k];
    const std::int64_t time = origin_ + (whole ? ticks[k] * scale : tick_.to_picoseconds(ticks[k]).count);
    const std::int64_t corrected = time - delays_[pattern & 0xf];
    if ((pattern & kDummy) != 0 || time < last || corrected < put) break;
    before = last, last = time, put = corrected;
    times_[at] = corrected;
    labels_[at] = (next_index_ + (k - first)) << 4 | (pattern & 0xf);
  }
  times_.resize(held + (k - first));
  labels_.resize(times_.size());
  if (k > first) last_ = last, before_last_ = before, astray_ = 0;
  counts_.events += k - first;
  next_index_ += k - first;
  return k;
}

void EventQueue::append_one(std::int64_t tick, Pattern pattern) {
  const std::uint64_t index = next_index_++;
  if ((pattern & kDummy) != 0) {
    ++counts_.dummies;
    return;
  }
  std::int64_t time = origin_ + tick_.to_picoseconds(tick).count;
  if (counts_.events > 0 && time < last_ && !step_back(time)) return;
  astray_ = 0;
  if (counts_.events == 0 || time >= last_) before_last_ = last_, last_ = time;
  ++counts_.events;
  put(time - delays_[pattern & 0xf], index << 4 | (pattern & 0xf));
}

void EventQueue::append(std::span<const std::int64_t> ticks, std::span<const Pattern> patterns) {
  constexpr std::size_t piece = 4096;  // what an entry out of order makes the fast way begin anew for
  for (std::size_t k = 0; k < ticks.size();) {
    const std::size_t end = std::min(ticks.size(), k + piece);
    k = append_ordered(ticks.first(end), patterns.empty() ? patterns : patterns.first(end), k);
    if (k < end) append_one(ticks[k], patterns.empty() ? Pattern{0} : patterns[k]), ++k;
  }
}

void EventQueue::drop(std::size_t n) {
  head_ += n;
  if (head_ < kWorthMoving || 2 * head_ < times_.size()) return;
  const std::size_t gone = head_ - 1;
  times_.erase(times_.begin(), times_.begin() + static_cast<std::ptrdiff_t>(gone));
  labels_.erase(labels_.begin(), labels_.begin() + static_cast<std::ptrdiff_t>(gone));
  head_ = 1;
}

void EventQueue::set_delays(const Delays& delays) {
  std::array<std::int64_t, 16> change{};
  for (Pattern p = 0; p < 16; ++p) {
    const std::int64_t now = std::llround(delay_of(delays, p));
    change[p] = now - delays_[p];
    delays_[p] = now;
  }
  for (std::size_t k = head_; k < times_.size(); ++k) {
    times_[k] -= change[labels_[k] & 0xf];
    for (std::size_t j = k; j > head_ && times_[j - 1] > times_[j]; --j) {
      std::swap(times_[j - 1], times_[j]);
      std::swap(labels_[j - 1], labels_[j]);
    }
  }
}

}  // namespace nicol::detection::pairs
