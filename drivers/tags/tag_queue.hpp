// SPDX-License-Identifier: Apache-2.0
// Between the thread that hears a tagger and the one that acquires: a bounded ring in private memory that keeps the
// stream contract. What does not fit is lost, counted and said.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "drivers/hal/time_tagger.hpp"
#include "drivers/transport/private_buffer.hpp"

namespace nicol::tags {

/// One producer, one consumer. Tags that were pushed are held until commit() says that everything before a tick is
/// known; losses stand before the tags that are held when they are reported. Nothing is allocated after create().
class TagQueue {
 public:
  struct Options {
    std::size_t tags = std::size_t{1} << 16;  // 16 bytes each, locked
    std::size_t losses = 256;
  };
  /// locked_memory when the limit is used up.
  static Result<std::unique_ptr<TagQueue>> create(Options options);

  /// A stream begins at this tick: what an older one left is wiped.
  void begin(std::int64_t edge);
  /// Not before the committed edge. Tags that a channel delay puts out of order are sorted in among those held.
  void push(const hal::TimeTag& tag) { push({&tag, 1}); }
  void push(std::span<const hal::TimeTag> tags);
  /// Everything before `complete` has been pushed or reported lost; never goes back.
  void commit(std::int64_t complete);
  /// Placed before the tags held now; a begin before the committed edge is moved there.
  void lose(hal::LossInterval loss);
  /// Forgets the tags held, and says how many.
  std::size_t drop_held();
  std::size_t held() const;
  std::int64_t edge() const;  // as committed
  /// Once everything committed has been taken, acquire() says this at once: stopped, disconnected.
  void end(hal::StreamStatus status);

  /// The HAL's acquire().
  hal::StreamStatus acquire(hal::TagBlock& block, Deadline deadline) noexcept;

 private:
  struct Loss {
    hal::LossInterval interval;
    std::uint64_t before = 0;  // number of the tag that it stands before
  };
  TagQueue(transport::PrivateBuffer memory, Options options);
  hal::TimeTag& at(std::uint64_t number) { return ring_[number % ring_.size()]; }
  Loss& loss_at(std::uint64_t number) { return losses_[number % losses_.size()]; }
  void place(const hal::TimeTag& tag);
  void add_loss(Loss loss);
  static Loss joined(const Loss& earlier, const Loss& later);
  void close_overrun(std::int64_t complete);
  bool has_news() const { return committed_ > taken_ || loss_head_ < loss_tail_; }
  hal::StreamStatus fill(hal::TagBlock& block);
  void copy_losses(hal::TagBlock& block);
  std::int64_t copy_tags(hal::TagBlock& block);
  std::uint64_t whole_ticks(std::uint64_t count);

  transport::PrivateBuffer memory_;
  std::span<hal::TimeTag> ring_;
  std::vector<Loss> losses_;

  mutable std::mutex mutex_;  // guards everything below and what the spans above show
  std::condition_variable news_;
  std::uint64_t taken_ = 0, committed_ = 0, pushed_ = 0;  // numbers of tags
  std::uint64_t loss_head_ = 0, loss_tail_ = 0;
  std::uint64_t lost_ = 0, sequence_ = 0;
  std::int64_t edge_ = 0, given_until_ = 0;
  std::uint64_t overrun_ = 0;  // tags that found the ring full since the last commit
  std::int64_t overrun_begin_ = 0, overrun_last_ = 0;
  hal::StreamStatus ended_ = hal::StreamStatus::stopped;
  bool running_ = false;
};

}  // namespace nicol::tags
