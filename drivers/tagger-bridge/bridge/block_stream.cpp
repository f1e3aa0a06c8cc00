// SPDX-License-Identifier: Apache-2.0
#include "drivers/tagger-bridge/bridge/block_stream.hpp"

#include <algorithm>

namespace nicol::bridge {

void BlockStream::begin(std::int64_t origin, Sink sink) {
  origin_ = origin;
  sink_ = std::move(sink);
  last_ = index_ = lost_ = 0;
  seq_ = 0;
  overflowing_ = false;
  open(0);
}

std::uint64_t BlockStream::tick(std::int64_t at) const {
  return std::max(last_, at <= origin_ ? 0 : static_cast<std::uint64_t>(at - origin_));
}

void BlockStream::open(std::uint64_t base) {
  base_ = last_ = base;
  tags_ = 0;
  writer_.begin(seq_++, base, index_);
}

void BlockStream::close(std::uint16_t flags) {
  if (overflowing_) {
    flags |= fw::kTagOverflow;
    (void)writer_.missed(lost_);
    index_ += lost_;
    lost_ = 0;
  }
  index_ += tags_;
  sink_(std::span(payload_).first(writer_.finish(flags, 0)));
}

bool BlockStream::tag(unsigned channel, std::int64_t at) {
  if (channel >= fw::kWordChannels || at < origin_ || static_cast<std::uint64_t>(at - origin_) < last_) return false;
  if (overflowing_) {
    ++lost_;
    return true;
  }
  const auto t = static_cast<std::uint64_t>(at - origin_);
  if (!writer_.tag(channel, t)) {
    close(0);
    open(t);
    if (!writer_.tag(channel, t)) return false;
  }
  last_ = t;
  ++tags_;
  return true;
}

void BlockStream::complete(std::int64_t at) {
  const std::uint64_t t = tick(at);
  if (t == base_ && tags_ == 0) return;
  if (tags_ > 0 || overflowing_) {
    close(0);
    open(t);
  } else {
    // An empty block may begin later: nothing was in between.
    --seq_;
    open(t);
  }
  // The block that reaches up to here is told when the next one begins: here is the next one, empty.
  if (overflowing_) return;
  close(0);
  open(t);
}

void BlockStream::overflow_begin(std::int64_t at) {
  if (overflowing_) return;
  complete(at);
  overflowing_ = true;
}

void BlockStream::overflow_end(std::int64_t at) {
  if (!overflowing_) return;
  const std::uint64_t t = tick(at);
  close(0);
  overflowing_ = false;
  open(t);
  close(0);
  open(t);
}

void BlockStream::end(std::int64_t at) {
  if (tags_ > 0 || overflowing_) {
    const std::uint64_t t = std::max(tick(at), last_ + 1);
    close(0);
    overflowing_ = false;
    open(t);
  }
  close(fw::kTagStreamEnd);
}

}  // namespace nicol::bridge
