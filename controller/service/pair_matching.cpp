// SPDX-License-Identifier: Apache-2.0
#include "controller/service/pair_matching.hpp"

#include <utility>

namespace nicol::service {

PairMatching::PairMatching(std::function<void()> wake)
    : wake_(std::move(wake)), thread_([this](const std::stop_token& stop) { work(stop); }) {}

PairMatching::~PairMatching() { abandon(); }

void PairMatching::begin(Block block) {
  const std::lock_guard lock(mutex_);
  ++wanted_;
  matched_.reset();
  waiting_ = std::move(block);
  changed_.notify_all();
}

void PairMatching::abandon() {
  const std::lock_guard lock(mutex_);
  ++wanted_;
  matched_.reset();
  waiting_.reset();
}

std::optional<PairMatching::Matched> PairMatching::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(matched_, std::nullopt);
}

void PairMatching::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return waiting_.has_value(); })) {
    std::optional<Block> block = std::exchange(waiting_, std::nullopt);
    const std::uint64_t mine = wanted_;
    lock.unlock();
    auto pairs = block->matcher(block->hers, block->his);
    lock.lock();
    if (mine != wanted_) continue;
    matched_ = Matched{block->matcher, std::move(block->his), std::move(pairs)};
    wake_();
  }
}

}  // namespace nicol::service
