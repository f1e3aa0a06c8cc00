// SPDX-License-Identifier: Apache-2.0
// Frames out of a stream that may lose, flip or invent bytes.
#include <cstring>

#include "firmware-protocol/cobs.hpp"
#include "firmware-protocol/frame.hpp"

namespace nicol::fw {
namespace {

// A block without its 0x00 that is longer than the longest frame stuffed is no frame.
constexpr std::size_t kLongestBlock = cobs_bound(kLargestFrame);
static_assert(2 * kLargestFrame > kLongestBlock, "an unfinished block leaves room to feed");

}  // namespace

std::size_t FrameDecoder::feed(std::span<const std::uint8_t> bytes) noexcept {
  if (first_ == end_) first_ = end_ = 0;
  if (bytes.size() > buffer_.size() - end_ && first_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + first_, end_ - first_);
    end_ -= first_;
    first_ = 0;
  }
  const std::size_t room = buffer_.size() - end_;
  const std::size_t taken = bytes.size() < room ? bytes.size() : room;
  if (taken > 0) {
    std::memcpy(buffer_.data() + end_, bytes.data(), taken);
    ended_ = false;
  }
  end_ += taken;
  return taken;
}

bool FrameDecoder::next(Frame& frame) noexcept { return framing_ == Framing::raw ? next_raw(frame) : next_cobs(frame); }

bool FrameDecoder::next_raw(Frame& frame) noexcept {
  while (first_ < end_) {
    const std::span<const std::uint8_t> rest{buffer_.data() + first_, end_ - first_};
    const Decoded decoded = decode_frame(rest);
    if (decoded.verdict == Verdict::frame) {
      first_ += decoded.bytes;
      frame = decoded.frame;
      hand_out(frame);
      return true;
    }
    if (decoded.verdict == Verdict::unfinished && !ended_) return false;
    count(decoded.verdict);
    lost_ = decoded.verdict != Verdict::unknown_flags;
    skip(decoded.verdict == Verdict::unfinished ? 1 : decoded.bytes);
  }
  return false;
}

bool FrameDecoder::next_cobs(Frame& frame) noexcept {
  while (first_ < end_) {
    std::size_t length = searched_;
    while (first_ + length < end_ && buffer_[first_ + length] != 0) ++length;
    if (first_ + length < end_) {
      searched_ = 0;
      if (take_block(length, frame)) return true;
      continue;
    }
    searched_ = length;
    if (length <= kLongestBlock && !ended_) return false;
    ++counts_.bad_stuffing;
    skip(length);
    searched_ = 0;
  }
  return false;
}

/// The block of `length` bytes at first_ and the 0x00 behind it.
bool FrameDecoder::take_block(std::size_t length, Frame& frame) noexcept {
  const std::span<std::uint8_t> block{buffer_.data() + first_, length};
  const std::size_t plain = cobs_decode(block, block);
  const Decoded decoded = decode_frame(block.first(plain));
  const bool whole = decoded.verdict == Verdict::frame && decoded.bytes == plain;
  if (whole) {
    first_ += length + 1;
    frame = decoded.frame;
    hand_out(frame);
    return true;
  }
  if (length > 0) {  // nothing between two 0x00 is no fault: a sender may clear the line with one
    if (plain == 0)
      ++counts_.bad_stuffing;
    else
      count(decoded.verdict);
  }
  skip(length + 1);
  return false;
}

void FrameDecoder::skip(std::size_t bytes) noexcept {
  first_ += bytes;
  counts_.skipped_bytes += bytes;
}

/// Inside COBS, noise is a bad header, and a frame with bytes missing or left over has a bad payload. Raw, a magic byte
/// met while the place of the next frame is not known is most likely no header at all.
void FrameDecoder::count(Verdict refused) noexcept {
  switch (refused) {
    case Verdict::noise:
      counts_.bad_header += framing_ == Framing::cobs ? 1 : 0;
      break;
    case Verdict::bad_header:
      counts_.bad_header += lost_ ? 0 : 1;
      break;
    case Verdict::unknown_flags:
      ++counts_.unknown_flags;
      break;
    case Verdict::frame:
    case Verdict::unfinished:
    case Verdict::bad_payload:
      ++counts_.bad_payload;
  }
}

void FrameDecoder::hand_out(const Frame& frame) noexcept {
  lost_ = false;
  ++counts_.frames;
  if (frame.header.version != kVersion) ++counts_.other_version;
}

void FrameDecoder::reset() noexcept {
  first_ = end_ = searched_ = 0;
  ended_ = lost_ = false;
  buffer_.fill(0);
}

}  // namespace nicol::fw
