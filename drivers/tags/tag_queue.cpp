// SPDX-License-Identifier: Apache-2.0
// A block that reports a loss begins with it; the block before ends where the loss begins.
#include "drivers/tags/tag_queue.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace nicol::tags {

Result<std::unique_ptr<TagQueue>> TagQueue::create(Options options) {
  auto memory = transport::PrivateBuffer::create(options.tags * sizeof(hal::TimeTag));
  if (!memory) return std::move(memory).error();
  return std::unique_ptr<TagQueue>(new TagQueue(*std::move(memory), options));
}

TagQueue::TagQueue(transport::PrivateBuffer memory, Options options)
    : memory_(std::move(memory)), losses_(options.losses) {
  auto* first = new (memory_.bytes().data()) hal::TimeTag[options.tags];
  ring_ = {first, options.tags};
}

void TagQueue::begin(std::int64_t edge) {
  const std::lock_guard lock(mutex_);
  memory_.wipe();
  taken_ = committed_ = pushed_ = 0;
  loss_head_ = loss_tail_ = 0;
  lost_ = overrun_ = 0;
  edge_ = given_until_ = edge;
  running_ = true;
}

void TagQueue::push(std::span<const hal::TimeTag> tags) {
  const std::lock_guard lock(mutex_);
  for (const hal::TimeTag& tag : tags) place(tag);
}

void TagQueue::place(const hal::TimeTag& tag) {
  if (overrun_ > 0 || pushed_ - taken_ == ring_.size()) {
    overrun_begin_ = overrun_ == 0 ? tag.ticks : std::min(overrun_begin_, tag.ticks);
    overrun_last_ = overrun_ == 0 ? tag.ticks : std::max(overrun_last_, tag.ticks);
    ++overrun_;
    return;
  }
  std::uint64_t to = pushed_++;
  for (; to > committed_ && at(to - 1).ticks > tag.ticks; --to) at(to) = at(to - 1);
  at(to) = tag;
}

/// The ring was full: from the first tag that found no place to the last one, or up to here, tags are missing.
void TagQueue::close_overrun(std::int64_t complete) {
  if (overrun_ == 0) return;
  const std::int64_t begin = std::max(overrun_begin_, edge_), end = std::max(complete, overrun_last_ + 1);
  std::uint64_t place = pushed_;
  while (place > committed_ && at(place - 1).ticks >= begin) --place;
  add_loss({{begin, end, overrun_, true, hal::kAllChannels, hal::LossCause::transport}, place});
  overrun_ = 0;
}

void TagQueue::commit(std::int64_t complete) {
  {
    const std::lock_guard lock(mutex_);
    if (complete < edge_) return;
    close_overrun(complete);
    while (committed_ < pushed_ && at(committed_).ticks < complete) ++committed_;
    edge_ = complete;
    if (!has_news()) return;
  }
  news_.notify_one();
}

void TagQueue::lose(hal::LossInterval loss) {
  const std::lock_guard lock(mutex_);
  loss.begin = std::max(loss.begin, edge_);
  loss.end = std::max(loss.end, loss.begin + 1);
  add_loss({loss, committed_});
}

TagQueue::Loss TagQueue::joined(const Loss& earlier, const Loss& later) {
  const hal::LossInterval &a = earlier.interval, &b = later.interval;
  const bool full = b.cause == hal::LossCause::fifo_overflow;
  return {{std::min(a.begin, b.begin), std::max(a.end, b.end), a.lost + b.lost, a.lost_known && b.lost_known,
           a.channels | b.channels, full ? b.cause : a.cause},
          std::min(earlier.before, later.before)};
}

/// Neighbours of one cause are told as one, and so is what overlaps, or finds the list full.
void TagQueue::add_loss(Loss loss) {
  while (loss_tail_ > loss_head_) {
    const Loss& last = loss_at(loss_tail_ - 1);
    const bool touches = loss.interval.begin == last.interval.end && loss.interval.cause == last.interval.cause &&
                         loss.interval.channels == last.interval.channels;
    const bool apart = loss.interval.begin >= last.interval.end && !touches;
    if (apart && loss_tail_ - loss_head_ < losses_.size()) {
      loss.before = std::max(loss.before, last.before);
      break;
    }
    loss = joined(last, loss);
    --loss_tail_;
  }
  loss_at(loss_tail_++) = loss;
}

std::size_t TagQueue::drop_held() {
  const std::lock_guard lock(mutex_);
  const auto dropped = static_cast<std::size_t>(pushed_ - committed_ + overrun_);
  for (std::uint64_t i = committed_; i < pushed_; ++i) at(i) = {};
  pushed_ = committed_;
  overrun_ = 0;
  return dropped;
}

std::size_t TagQueue::held() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(pushed_ - committed_ + overrun_);
}

std::int64_t TagQueue::edge() const {
  const std::lock_guard lock(mutex_);
  return edge_;
}

void TagQueue::end(hal::StreamStatus status) {
  {
    const std::lock_guard lock(mutex_);
    running_ = false;
    ended_ = status;
  }
  news_.notify_one();
}

hal::StreamStatus TagQueue::acquire(hal::TagBlock& block, Deadline deadline) noexcept {
  std::unique_lock lock(mutex_);
  const auto settled = [this] { return has_news() || !running_; };
  if (deadline.at == Deadline{}.at)
    news_.wait(lock, settled);
  else
    (void)news_.wait_until(lock, deadline.at, settled);
  return fill(block);
}

hal::StreamStatus TagQueue::fill(hal::TagBlock& block) {
  block.tag_count = block.loss_count = 0;
  block.t_begin = block.t_end = given_until_;
  block.sequence = sequence_;
  block.first_index = taken_ + lost_;
  if (!has_news()) {
    if (!running_) return ended_;
    block.t_end = given_until_ = edge_;
    return hal::StreamStatus::timeout;
  }
  block.sequence = ++sequence_;
  copy_losses(block);
  block.first_index = taken_ + lost_;
  // A loss that did not fit is told before any later tag.
  const bool more = loss_head_ < loss_tail_ && loss_at(loss_head_).before == taken_;
  if (!more) given_until_ = copy_tags(block);
  block.t_end = given_until_;
  const auto losses = block.losses();
  const bool overflow = std::any_of(losses.begin(), losses.end(), [](const hal::LossInterval& l) {
    return l.cause == hal::LossCause::fifo_overflow;
  });
  return overflow ? hal::StreamStatus::overflow : hal::StreamStatus::ok;
}

void TagQueue::copy_losses(hal::TagBlock& block) {
  while (loss_head_ < loss_tail_ && loss_at(loss_head_).before == taken_ &&
         block.loss_count < block.loss_storage.size()) {
    const hal::LossInterval& loss = loss_at(loss_head_++).interval;
    block.loss_storage[block.loss_count++] = loss;
    lost_ += loss.lost;
  }
}

/// The tags of one tick stay in one block, as far as a block holds them.
std::uint64_t TagQueue::whole_ticks(std::uint64_t count) {
  const std::int64_t next = at(taken_ + count).ticks;
  std::uint64_t whole = count;
  while (whole > 0 && at(taken_ + whole - 1).ticks == next) --whole;
  return whole > 0 ? whole : count;
}

/// Returns the end of the block.
std::int64_t TagQueue::copy_tags(hal::TagBlock& block) {
  const bool loss_ahead = loss_head_ < loss_tail_;
  const std::uint64_t to_loss = loss_ahead ? loss_at(loss_head_).before - taken_ : ~std::uint64_t{0};
  const std::uint64_t ready = std::min(committed_ - taken_, to_loss);
  std::uint64_t n = std::min<std::uint64_t>(ready, block.storage.size());
  std::int64_t end = edge_;
  if (n < ready) {
    end = at(taken_ + n).ticks;
    n = whole_ticks(n);
  } else if (loss_ahead) {
    end = std::min(edge_, loss_at(loss_head_).interval.begin);
  }
  for (std::uint64_t i = 0; i < n; ++i) {
    block.storage[i] = at(taken_ + i);
    at(taken_ + i) = {};
  }
  block.tag_count = static_cast<std::size_t>(n);
  taken_ += n;
  return std::max(end, given_until_);
}

}  // namespace nicol::tags
