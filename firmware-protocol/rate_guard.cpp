// SPDX-License-Identifier: Apache-2.0
#include "firmware-protocol/rate_guard.hpp"

#include <algorithm>

namespace nicol::fw {
namespace {

std::size_t detectors(const Board& board) noexcept {
  return std::min<std::size_t>(board.description().detectors.count, RateGuard::kMostDetectors);
}

}  // namespace

RateGuard::RateGuard(Board& board) noexcept : board_(&board) {
  for (Watched& w : watched_) w.limit_hz = board.description().detectors.max_rate_limit_hz;
}

bool RateGuard::set_limit(std::size_t detector, std::int64_t hz) noexcept {
  if (hz <= 0 || hz > board_->description().detectors.max_rate_limit_hz) return false;
  watched_[detector].limit_hz = static_cast<std::uint32_t>(hz);
  return true;
}

std::optional<std::size_t> RateGuard::poll(std::uint64_t now_ms) noexcept {
  if (detectors(*board_) == 0) return {};
  const bool first = !sampled_ms_.has_value();
  const std::uint64_t passed = first ? 0 : now_ms - *sampled_ms_;
  if (!first && passed < kSampleMs) return {};
  sampled_ms_ = now_ms;
  std::optional<std::size_t> over;
  for (std::size_t k = 0; k < detectors(*board_); ++k) {
    Watched& w = watched_[k];
    const std::uint64_t events = board_->detector_events(k), counted = events - w.events;
    w.events = events;
    const bool high = !first && counted * 1000 > static_cast<std::uint64_t>(w.limit_hz) * passed;
    w.over_ms = high ? w.over_ms + passed : 0;
    if (w.over_ms < kLastingMs) continue;
    w.over_ms = 0;
    over = k;
  }
  return over;
}

}  // namespace nicol::fw
