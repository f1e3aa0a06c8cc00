// SPDX-License-Identifier: Apache-2.0
// One function a sentence of the contract.
#include "tests/hal_contract/stream_checker.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "tests/support/allocation_counter.hpp"

namespace nicol::hal_contract {
namespace {

using namespace hal;

constexpr TimeTag kCanary{0x5a5a5a5a5a5a5a5a, 0x5a5a, 0x5a5a};

bool carries_data(StreamStatus status) {
  return status == StreamStatus::ok || status == StreamStatus::overflow || status == StreamStatus::corrupt;
}

}  // namespace

void StreamChecker::see(StreamStatus status, const TagBlock& block) {
  if (block.tag_count > block.storage.size() || block.loss_count > block.loss_storage.size()) {
    violate(fmt::format("more entries than storage: {} tags, {} losses", block.tag_count, block.loss_count));
    return;
  }
  if (!carries_data(status) && (block.tag_count != 0 || block.loss_count != 0))
    violate(fmt::format("a {} block is not empty", to_string(status)));
  if (!carries_data(status) && status != StreamStatus::timeout) return;
  check_time(block);
  check_order(status, block);
  check_losses(status, block);
  check_tags(block);
  check_index(block);
  remember(block);
}

void StreamChecker::check_time(const TagBlock& block) {
  if (block.t_end < block.t_begin) violate(fmt::format("t_end {} before t_begin {}", block.t_end, block.t_begin));
  if (previous_ && block.t_begin != previous_->t_end)
    violate(fmt::format("t_begin {} is not the t_end {} of the block before", block.t_begin, previous_->t_end));
}

void StreamChecker::check_order(StreamStatus status, const TagBlock& block) {
  if (!previous_) return;
  const bool again = block.sequence == previous_->sequence && status == StreamStatus::timeout;
  if (block.sequence <= previous_->sequence && !again)
    violate(fmt::format("sequence {} after {}", block.sequence, previous_->sequence));
}

void StreamChecker::check_tags(const TagBlock& block) {
  std::optional<std::int64_t> last = last_tag_;
  for (const TimeTag& tag : block.tags()) {
    if (last && tag.ticks < *last) violate(fmt::format("unsorted: tag {} after {}", tag.ticks, *last));
    if (tag.ticks < block.t_begin || tag.ticks >= block.t_end)
      violate(fmt::format("tag {} outside its block {}..{}", tag.ticks, block.t_begin, block.t_end));
    last = tag.ticks;
  }
}

void StreamChecker::check_losses(StreamStatus status, const TagBlock& block) {
  bool full = false;
  std::int64_t last_end = INT64_MIN;
  for (const LossInterval& loss : block.losses()) {
    full = full || loss.cause == LossCause::fifo_overflow;
    if (loss.begin >= loss.end) violate(fmt::format("empty loss {}..{}", loss.begin, loss.end));
    if (loss.begin < last_end) violate("losses overlap or are unsorted");
    last_end = loss.end;
    if (last_tag_ && *last_tag_ > loss.begin)
      violate(fmt::format("loss reported late: tag {} was given before the loss from {}", *last_tag_, loss.begin));
    if (loss.cause == LossCause::fifo_overflow) ++overflows_;
  }
  if (status == StreamStatus::overflow && !full) violate("status overflow without a loss interval");
}

void StreamChecker::check_index(const TagBlock& block) {
  if (!previous_) return;
  if (block.first_index < previous_->next_index) {
    violate(fmt::format("first_index {} went back, expected {}", block.first_index, previous_->next_index));
    return;
  }
  const std::uint64_t gap = block.first_index - previous_->next_index;
  if (gap == 0) return;
  std::uint64_t lost = previous_->lost;
  bool known = previous_->all_lost_known;
  for (const LossInterval& loss : block.losses()) {
    lost += loss.lost;
    known = known && loss.lost_known;
  }
  if (block.loss_count == 0 && !previous_->any_loss)
    violate(fmt::format("first_index jumps by {} without a loss", gap));
  else if (known && gap > lost)
    violate(fmt::format("first_index jumps by {}, but only {} are said to be lost", gap, lost));
}

void StreamChecker::remember(const TagBlock& block) {
  Previous now{block.sequence, block.first_index + block.tag_count, 0, block.t_end};
  for (const LossInterval& loss : block.losses()) {
    now.any_loss = true;
    now.lost += loss.lost;
    now.all_lost_known = now.all_lost_known && loss.lost_known;
  }
  previous_ = now;
  tags_ += block.tag_count;
  if (block.tag_count > 0) last_tag_ = block.tags().back().ticks;
}

StreamVerdict run_stream(TimeTagger& tagger, const StreamRun& run) {
  constexpr std::size_t kGuard = 16, kEnough = 100;
  constexpr int kIdleAtLast = 20;  // a second: on a busy machine the device itself may be late
  std::vector<TimeTag> tags(run.tag_storage + kGuard, kCanary);
  std::vector<LossInterval> losses(run.loss_storage);
  TagBlock block;
  block.storage = std::span(tags).first(run.tag_storage);
  block.loss_storage = losses;

  StreamChecker checker;
  StreamVerdict verdict;
  std::uint64_t allocated = 0;
  int idle = 0;
  while (checker.tags() < run.tags && idle < kIdleAtLast && checker.violations().size() < kEnough) {
    const Deadline deadline{std::chrono::steady_clock::now() + std::chrono::milliseconds(50)};
    const std::uint64_t before = test::allocations();
    verdict.last = tagger.acquire(block, deadline);
    allocated += test::allocations() - before;
    checker.see(verdict.last, block);
    if (!carries_data(verdict.last) && verdict.last != StreamStatus::timeout) break;
    idle = verdict.last == StreamStatus::timeout ? idle + 1 : 0;
    if (idle == 0 && run.meanwhile) run.meanwhile();
  }
  verdict.tags = checker.tags();
  verdict.overflows = checker.overflows();
  verdict.violations = checker.violations();
  if (allocated > 0) verdict.violations.push_back(fmt::format("acquire allocated {} times", allocated));
  if (std::any_of(tags.begin() + static_cast<std::ptrdiff_t>(run.tag_storage), tags.end(),
                  [](const TimeTag& t) { return t != kCanary; }))
    verdict.violations.push_back("acquire wrote past its storage");
  return verdict;
}

}  // namespace nicol::hal_contract
