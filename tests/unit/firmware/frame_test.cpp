// SPDX-License-Identifier: Apache-2.0
// Single frames: what is written is read, and what does not belong in one is refused.
#include "firmware-protocol/frame.hpp"

#include <gtest/gtest.h>

#include "tests/unit/firmware/bytes.hpp"

namespace nicol::fw::test {
namespace {

Message with_payload(Type type, std::size_t bytes) {
  Message message;
  message.header.type = type;
  message.payload.assign(bytes, 0x5A);
  return message;
}

TEST(Frame, IsReadAsItWasWritten) {
  Rng rng(20);
  for (int round = 0; round < 2000; ++round) {
    const Message message = random_message(rng, 200);
    const Bytes raw = encoded(message, Framing::raw);
    const Decoded decoded = decode_frame(raw);
    ASSERT_EQ(decoded.verdict, Verdict::frame);
    ASSERT_EQ(decoded.bytes, raw.size());
    ASSERT_EQ(decoded.frame.header.length, message.payload.size());
    ASSERT_EQ(message_of(decoded.frame), message);
  }
}

TEST(Frame, CarriesAsMuchAsItsTypeMayAndNoByteMore) {
  EXPECT_EQ(encoded(with_payload(Type::value, kControlPayload), Framing::raw).size(), kControlPayload + 16);
  EXPECT_TRUE(encoded(with_payload(Type::value, kControlPayload + 1), Framing::raw).empty());
  EXPECT_EQ(encoded(with_payload(Type::tag_block, kStreamPayload), Framing::raw).size(), kLargestFrame);
  EXPECT_TRUE(encoded(with_payload(Type::tag_block, kStreamPayload + 1), Framing::raw).empty());
  EXPECT_TRUE(encoded(with_payload(Type::tag_block, kStreamPayload + 1), Framing::cobs).empty());
}

TEST(Frame, IsNotWrittenWhereItDoesNotFit) {
  const Message message = with_payload(Type::value, 50);
  Bytes out(66);
  EXPECT_EQ(encode_frame(message.header, message.payload, std::span(out).first(65)), 0U);
  EXPECT_EQ(encode_frame(message.header, message.payload, out), 66U);
  Bytes line(cobs_bound(66) + 1);
  EXPECT_EQ(encode_serial_frame(message.header, message.payload, std::span(line).first(line.size() - 1)), 0U);
  EXPECT_NE(encode_serial_frame(message.header, message.payload, line), 0U);
}

TEST(Frame, FindsItsPayloadWhereItBelongs) {
  Message message = with_payload(Type::value, 50);
  Bytes out(66, 0x5A);
  ASSERT_EQ(encode_frame(message.header, std::span(out).subspan(kHeaderBytes, 50), out), 66U);
  EXPECT_EQ(out, encoded(message, Framing::raw));
}

TEST(Frame, OfTheLargestSizeSurvivesStuffingInItsOwnMemory) {
  Rng rng(21);
  for (const bool zeros : {true, false}) {
    Message message = with_payload(Type::tag_block, kStreamPayload);
    if (zeros) message.payload = random_bytes(rng, kStreamPayload);
    FrameDecoder decoder(Framing::cobs);
    const auto out = decode_all(decoder, encoded(message, Framing::cobs), rng);
    ASSERT_EQ(out.size(), 1U);
    EXPECT_EQ(out[0], message);
  }
}

TEST(Frame, WithAnyOneByteChangedIsRefused) {
  Rng rng(22);
  const Bytes good = encoded(random_message(rng, 60), Framing::raw);
  for (std::size_t at = 0; at < good.size(); ++at)
    for (unsigned wrong = 1; wrong < 256; ++wrong) {
      Bytes bad = good;
      bad[at] = static_cast<std::uint8_t>(bad[at] ^ wrong);
      const Verdict verdict = decode_frame(bad).verdict;
      ASSERT_NE(verdict, Verdict::frame) << at << " " << wrong;
      ASSERT_NE(verdict, Verdict::unknown_flags) << at << " " << wrong;
    }
}

TEST(Frame, CutAtAnyLengthIsUnfinished) {
  Rng rng(23);
  const Bytes good = encoded(random_message(rng, 60), Framing::raw);
  for (std::size_t length = 0; length < good.size(); ++length) {
    const Decoded decoded = decode_frame(std::span(good).first(length));
    ASSERT_EQ(decoded.verdict, Verdict::unfinished) << length;
    ASSERT_EQ(decoded.bytes, 0U);
  }
}

TEST(Frame, OfAnotherMajorVersionIsHandedOutWithItsFlags) {
  Message stranger = with_payload(Type::hello, 20);
  stranger.header.version = 2;
  stranger.header.flags = 0xFF;
  const Bytes raw = encoded(stranger, Framing::raw);
  const Decoded decoded = decode_frame(raw);
  ASSERT_EQ(decoded.verdict, Verdict::frame);
  EXPECT_EQ(message_of(decoded.frame), stranger);
}

TEST(Frame, RefusedForItsFlagsIsSteppedOverWhole) {
  Message message = with_payload(Type::value, 30);
  for (const int bit : {5, 6, 7}) {
    message.header.flags = static_cast<std::uint8_t>(1 << bit);
    const Decoded decoded = decode_frame(encoded(message, Framing::raw));
    EXPECT_EQ(decoded.verdict, Verdict::unknown_flags);
    EXPECT_EQ(decoded.bytes, 46U);
  }
}

}  // namespace
}  // namespace nicol::fw::test
