// SPDX-License-Identifier: Apache-2.0
#include "firmware-protocol/tag_streamer.hpp"

#include <algorithm>
#include <utility>

#include "firmware-protocol/firmware.hpp"

namespace nicol::fw {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kWordsPerTag = 2;  // a tag and what it may need of time extension
constexpr std::size_t kWordsPerLoss = 3;
constexpr std::uint64_t kMostLoss = kWordsPerLoss * std::uint64_t{kWordValueMask};
constexpr std::size_t kAround = kHeaderBytes + kTrailerBytes;

}  // namespace

TagStreamer::TagStreamer(Board& board, StreamBuffers& buffers, Framing framing) noexcept
    : board_(&board), buffers_(&buffers), framing_(framing), writer_(buffers.payload) {}

void TagStreamer::start(std::uint32_t credit, std::size_t mtu, std::uint64_t now_ms) noexcept {
  abandon();
  const std::size_t most = framing_ == Framing::raw ? mtu : std::min(mtu, kSerialBlockFrame);
  payload_bytes_ = std::min(most - kAround, kStreamPayload);
  writer_ = TagBlockWriter(std::span(buffers_->payload).first(payload_bytes_));
  credit_ = credit;
  sent_ = block_seq_ = 0;
  complete_until_ = unsaid_ = 0;
  running_ = true;
  stopping_ = false;
  now_ms_ = now_ms;
  board_->start_tags();
  begin_block(0);
}

void TagStreamer::stop(std::uint64_t now_ms) noexcept {
  if (!running_ || stopping_) return;
  now_ms_ = now_ms;
  stopping_ = true;
  board_->stop_tags();
  fill();
}

void TagStreamer::abandon() noexcept {
  if (running_) board_->stop_tags();
  running_ = stopping_ = false;
  if (fetched_ == 0) frame_size_ = 0;  // half a frame on a serial line would spoil the next one
}

void TagStreamer::poll(std::uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  fill();
}

void TagStreamer::begin_block(std::uint64_t first_index) noexcept {
  writer_.begin(block_seq_++, complete_until_, first_index);
  opened_ms_ = now_ms_;
  full_ = false;
}

std::size_t TagStreamer::room() const noexcept {
  const std::size_t most = (payload_bytes_ - kTagHeaderBytes) / sizeof(std::uint32_t) - 1;  // one for the pad word
  return most - std::min(writer_.words(), most);
}

bool TagStreamer::has_credit() const noexcept {
  return credit_ == kUnlimitedBlocks || static_cast<std::int32_t>(credit_ - sent_) > 0;
}

void TagStreamer::say_lost(std::uint64_t events) noexcept {
  if (events > 0) writer_.missed(std::min(events, kMostLoss));
}

bool TagStreamer::take_batch() noexcept {
  if (room() < kWordsPerLoss + kWordsPerTag) {
    full_ = true;
    return false;
  }
  say_lost(std::exchange(unsaid_, 0));
  if (room() < kWordsPerLoss + kWordsPerTag) return true;
  std::array<Tag, kBatch> tags{};
  const std::size_t fit = std::min((room() - kWordsPerLoss) / kWordsPerTag, kBatch);
  const TagRead read = board_->read_tags(std::span(tags).first(fit));
  say_lost(read.lost);
  for (const Tag& tag : std::span(tags).first(std::min(read.count, fit)))
    if (!writer_.tag(tag.channel, tag.tick)) writer_.missed(1);
  complete_until_ = std::max({complete_until_, read.complete_until, writer_.last_tick()});
  return read.count != 0 || read.lost != 0;
}

void TagStreamer::discard_for_want_of_credit() noexcept {
  std::array<Tag, kBatch> tags{};
  for (;;) {
    const TagRead read = board_->read_tags(tags);
    if (read.count == 0 && read.lost == 0) return;
    unsaid_ += read.count + read.lost;
  }
}

void TagStreamer::fill() noexcept {
  // While a frame waits to be fetched the FIFO fills, and the board says what ran over.
  if (!running_ || frame_size_ != 0) return;
  while (!full_ && take_batch()) {
  }
  if (stopping_) {
    if (full_ || writer_.words() > 0) return close(0);
    close(kTagStreamEnd);
    running_ = false;
    return;
  }
  const bool due = full_ || now_ms_ - opened_ms_ >= kBlockMs;
  if (due && has_credit()) return close(0);
  if (full_) discard_for_want_of_credit();
}

void TagStreamer::close(std::uint16_t flags) noexcept {
  Header header;
  header.type = Type::tag_block;
  header.seq = static_cast<std::uint16_t>(block_seq_ - 1);
  const std::uint64_t next_index = writer_.next_index();
  // An empty block says how far nothing came: up to now, and not only up to when it was begun.
  if (writer_.words() == 0) writer_.begin(block_seq_ - 1, complete_until_, next_index);
  const std::size_t size = writer_.finish(flags, board_->packet_bytes());
  const auto payload = std::span(buffers_->payload).first(size);
  frame_size_ = framing_ == Framing::raw ? encode_frame(header, payload, buffers_->frame)
                                         : encode_serial_frame(header, payload, buffers_->frame);
  fetched_ = 0;
  ++sent_;
  begin_block(next_index);
}

std::span<const std::uint8_t> TagStreamer::pending() const noexcept {
  return std::span(buffers_->frame).subspan(fetched_, frame_size_ - fetched_);
}

void TagStreamer::fetched(std::size_t bytes) noexcept {
  fetched_ += bytes;
  if (fetched_ < frame_size_) return;
  fetched_ = frame_size_ = 0;
  fill();
}

}  // namespace nicol::fw
