// SPDX-License-Identifier: Apache-2.0
// Streams of frames, in both framings: whole, damaged, cut, and between noise.
#include <gtest/gtest.h>

#include "tests/unit/firmware/bytes.hpp"

namespace nicol::fw::test {
namespace {

class FrameStream : public testing::TestWithParam<Framing> {
 protected:
  Bytes stream_of(const std::vector<Message>& messages) const {
    Bytes stream;
    for (const Message& message : messages) append(stream, encoded(message, GetParam()));
    return stream;
  }
  std::vector<Message> some(std::size_t count, std::size_t longest) {
    std::vector<Message> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(random_message(rng_, longest));
    return out;
  }
  /// Ends what noise may have begun: a line's 0x00, or on USB the sender's silence.
  std::vector<Message> after_silence(FrameDecoder& decoder) {
    std::vector<Message> out;
    decoder.end_of_input();
    for (Frame frame; decoder.next(frame);) out.push_back(message_of(frame));
    return out;
  }

  Rng rng_{30};
};
INSTANTIATE_TEST_SUITE_P(Both, FrameStream, testing::Values(Framing::raw, Framing::cobs),
                         [](const auto& one) { return one.param == Framing::raw ? "Raw" : "Cobs"; });

TEST_P(FrameStream, IsTheSameInPiecesOfAnySize) {
  const auto messages = some(200, 300);
  const Bytes stream = stream_of(messages);
  for (const std::size_t piece : {1U, 7U, 64U, 4096U, 100'000U}) {
    FrameDecoder decoder(GetParam());
    EXPECT_EQ(decode_all(decoder, stream, rng_, piece), messages) << piece;
    EXPECT_EQ(decoder.counts().frames, messages.size());
    EXPECT_EQ(decoder.counts().skipped_bytes, 0U);
  }
}

TEST_P(FrameStream, OfTheLargestFramesGoesThrough) {
  std::vector<Message> messages(5);
  for (auto& message : messages) {
    message.header.type = Type::tag_block;
    message.payload = random_bytes(rng_, kStreamPayload);
  }
  FrameDecoder decoder(GetParam());
  EXPECT_EQ(decode_all(decoder, stream_of(messages), rng_, 40'000), messages);
}

TEST_P(FrameStream, LosesOneFrameToOneChangedByteAndDecodesTheNext) {
  const auto messages = some(3, 40);
  const Bytes before = encoded(messages[0], GetParam()), damaged = encoded(messages[1], GetParam());
  for (std::size_t at = 0; at < damaged.size(); ++at)
    for (const unsigned wrong : {1U, 0x80U, 0xFFU, unsigned{damaged[at]}, damaged[at] ^ unsigned{kMagic}}) {
      if (wrong == 0) continue;
      Bytes stream = stream_of(messages);
      stream[before.size() + at] = static_cast<std::uint8_t>(damaged[at] ^ wrong);
      FrameDecoder decoder(GetParam());
      auto out = decode_all(decoder, stream, rng_);
      append_all(out, after_silence(decoder));
      // A line's 0x00 changed joins two blocks: both are the damaged one's.
      const bool joined = GetParam() == Framing::cobs && at + 1 == damaged.size();
      const std::vector<Message> expected = joined ? std::vector{messages[0]} : std::vector{messages[0], messages[2]};
      ASSERT_EQ(out, expected) << at << " ^ " << wrong;
    }
}

TEST_P(FrameStream, CutAtAnyLengthGivesTheFrameBehindTheCut) {
  const auto messages = some(2, 40);
  const Bytes cut = encoded(messages[0], GetParam()), next = encoded(messages[1], GetParam());
  for (std::size_t length = 0; length < cut.size(); ++length) {
    Bytes stream(cut.begin(), cut.begin() + static_cast<std::ptrdiff_t>(length));
    if (GetParam() == Framing::cobs) stream.push_back(0);  // a sender that begins anew clears the line first
    append(stream, next);
    FrameDecoder decoder(GetParam());
    auto out = decode_all(decoder, stream, rng_);
    append_all(out, after_silence(decoder));
    // Nothing but the 0x00 itself cut off leaves a whole block.
    const bool whole = GetParam() == Framing::cobs && length + 1 == cut.size();
    ASSERT_EQ(out, whole ? messages : std::vector{messages[1]}) << length;
  }
}

TEST_P(FrameStream, IsFoundBetweenNoise) {
  for (int round = 0; round < 300; ++round) {
    const auto messages = some(3, 80);
    Bytes stream = random_bytes(rng_, below(rng_, 400));
    if (GetParam() == Framing::cobs) stream.push_back(0);
    append(stream, stream_of(messages));
    append(stream, random_bytes(rng_, below(rng_, 400)));
    FrameDecoder decoder(GetParam());
    auto out = decode_all(decoder, stream, rng_, 100);
    append_all(out, after_silence(decoder));
    ASSERT_EQ(out, messages) << round;
  }
}

TEST_P(FrameStream, AccountsForEveryByte) {
  for (int round = 0; round < 200; ++round) {
    Bytes stream;
    std::size_t in_frames = 0;
    FrameDecoder decoder(GetParam());
    for (int part = 0; part < 6; ++part)
      append(stream, part % 2 == 0 ? random_bytes(rng_, 90) : stream_of(some(1, 90)));
    auto out = decode_all(decoder, stream, rng_, 50);
    append_all(out, after_silence(decoder));
    for (const Message& message : out) in_frames += encoded(message, GetParam()).size();
    ASSERT_EQ(in_frames + decoder.counts().skipped_bytes, stream.size());
    ASSERT_EQ(decoder.counts().frames, out.size());
  }
}

TEST_P(FrameStream, OfMegabytesOfNoiseNeverFillsTheBuffer) {
  FrameDecoder decoder(GetParam());
  const Bytes noise(1 << 20, 0x33);
  std::span<const std::uint8_t> rest = noise;
  while (!rest.empty()) {
    const std::size_t taken = decoder.feed(rest);
    ASSERT_GT(taken, 0U);
    rest = rest.subspan(taken);
    Frame frame;
    ASSERT_FALSE(decoder.next(frame));
  }
}

TEST_P(FrameStream, BeginsAnewAfterReset) {
  const auto messages = some(2, 40);
  FrameDecoder decoder(GetParam());
  const Bytes first = encoded(messages[0], GetParam());
  decoder.feed(std::span(first).first(first.size() - 1));
  Frame frame;
  EXPECT_FALSE(decoder.next(frame));
  decoder.reset();
  EXPECT_EQ(decode_all(decoder, encoded(messages[1], GetParam()), rng_), std::vector{messages[1]});
}

TEST_P(FrameStream, HandsOutAnotherMajorVersionAndCountsIt) {
  auto messages = some(1, 40);
  messages[0].header.version = 9;
  FrameDecoder decoder(GetParam());
  EXPECT_EQ(decode_all(decoder, stream_of(messages), rng_), messages);
  EXPECT_EQ(decoder.counts().other_version, 1U);
}

TEST_P(FrameStream, RefusesUnknownFlagsAndCountsThem) {
  auto messages = some(2, 40);
  messages[0].header.flags = 0x40;
  FrameDecoder decoder(GetParam());
  EXPECT_EQ(decode_all(decoder, stream_of(messages), rng_), std::vector{messages[1]});
  EXPECT_EQ(decoder.counts().unknown_flags, 1U);
}

TEST(RawStream, WaitsForNoPayloadThatAFlippedLengthClaims) {
  Rng rng(31);
  const Message first = random_message(rng, 40), second = random_message(rng, 40);
  Bytes stream = encoded(first, Framing::raw);
  stream[9] = static_cast<std::uint8_t>(stream[9] ^ 0x08);  // 2 KiB more
  append(stream, encoded(second, Framing::raw));
  FrameDecoder decoder(Framing::raw);
  EXPECT_EQ(decode_all(decoder, stream, rng), std::vector{second});
  EXPECT_EQ(decoder.counts().bad_header, 1U);
}

TEST(RawStream, DoesNotTakeAFrameOutOfTheMiddleOfAGoodOne) {
  Rng rng(32);
  Message outer = random_message(rng, 0);
  outer.payload = encoded(random_message(rng, 40), Framing::raw);
  FrameDecoder decoder(Framing::raw);
  EXPECT_EQ(decode_all(decoder, encoded(outer, Framing::raw), rng), std::vector{outer});
}

TEST(SerialStream, TakesEmptyBlocksForNoFault) {
  Rng rng(33);
  const Message message = random_message(rng, 40);
  Bytes stream(5, 0);
  append(stream, encoded(message, Framing::cobs));
  FrameDecoder decoder(Framing::cobs);
  EXPECT_EQ(decode_all(decoder, stream, rng), std::vector{message});
  EXPECT_EQ(decoder.counts().bad_stuffing + decoder.counts().bad_header + decoder.counts().bad_payload, 0U);
}

TEST(SerialStream, RefusesABlockWithBytesBehindItsFrame) {
  Rng rng(34);
  Bytes plain = encoded(random_message(rng, 40), Framing::raw);
  plain.push_back(1);
  Bytes block(cobs_bound(plain.size()));
  block.resize(cobs_encode(plain, block));
  block.push_back(0);
  FrameDecoder decoder(Framing::cobs);
  EXPECT_TRUE(decode_all(decoder, block, rng).empty());
  EXPECT_EQ(decoder.counts().bad_payload, 1U);
}

}  // namespace
}  // namespace nicol::fw::test
