// SPDX-License-Identifier: Apache-2.0
// Any bytes, in any pieces, in both framings: each frame handed out is one that encodes to itself, every byte is
// accounted for, and a good frame behind the noise is found.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "firmware-protocol/cobs.hpp"
#include "firmware-protocol/frame.hpp"

namespace {

using namespace nicol::fw;
using Bytes = std::span<const std::uint8_t>;

void require(bool fact) {
  if (!fact) std::abort();
}

/// Size on the line, after checking that the frame is whole by writing it again.
void check(const Frame& frame) {
  const std::size_t length = frame.payload.size();
  require(frame.header.length == length);
  require(frame.header.version != kVersion || length <= largest_payload(frame.header.type));
  require(frame.header.version != kVersion || (frame.header.flags & ~kKnownFlags) == 0);
  static std::vector<std::uint8_t> again(kLargestFrame);
  const std::size_t size = encode_frame(frame.header, frame.payload, again);
  require(size == kHeaderBytes + length + kTrailerBytes);
  const Decoded decoded = decode_frame(Bytes(again).first(size));
  require(decoded.verdict == Verdict::frame && decoded.bytes == size);
}

void feed_all(FrameDecoder& decoder, Bytes bytes, std::size_t piece) {
  Frame frame;
  while (!bytes.empty()) {
    const std::size_t taken = decoder.feed(bytes.first(piece < bytes.size() ? piece : bytes.size()));
    require(taken > 0);
    bytes = bytes.subspan(taken);
    while (decoder.next(frame)) check(frame);
  }
}

void run(Framing framing, Bytes bytes, std::size_t piece) {
  static std::vector<std::uint8_t> line(cobs_bound(kLargestFrame) + 1);
  FrameDecoder decoder(framing);
  feed_all(decoder, bytes, piece);
  decoder.end_of_input();
  for (Frame frame; decoder.next(frame);) check(frame);
  require(decoder.counts().skipped_bytes <= bytes.size());
  require(framing == Framing::cobs || decoder.counts().frames > 0 || decoder.counts().unknown_flags > 0 ||
          decoder.counts().skipped_bytes == bytes.size());

  const Header header{.type = Type::vendor, .flags = 0, .seq = 1, .ack = 2, .length = 0, .version = kVersion};
  const Bytes payload = bytes.first(bytes.size() < kControlPayload ? bytes.size() : kControlPayload);
  const std::size_t size =
      framing == Framing::raw ? encode_frame(header, payload, line) : encode_serial_frame(header, payload, line);
  const std::uint64_t before = decoder.counts().frames;
  feed_all(decoder, Bytes(line).first(size), piece);
  require(decoder.counts().frames == before + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes bytes(data + 1, size - 1);
  const std::size_t piece = 1 + data[0];
  run(Framing::raw, bytes, piece);
  run(Framing::cobs, bytes, piece);
  return 0;
}
