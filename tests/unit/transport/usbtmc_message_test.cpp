// SPDX-License-Identifier: Apache-2.0
// The byte vectors are those of the instruments' public notes; see README.md of drivers/transport.
#include "drivers/transport/usbtmc_message.hpp"

#include <gtest/gtest.h>

#include <set>

namespace nicol::transport::usbtmc {
namespace {
using Bytes = std::vector<std::uint8_t>;

Bytes reply(std::uint8_t tag, std::uint32_t bytes, std::uint8_t attributes) {
  return {2,
          tag,
          static_cast<std::uint8_t>(~tag),
          0,
          static_cast<std::uint8_t>(bytes),
          static_cast<std::uint8_t>(bytes >> 8),
          static_cast<std::uint8_t>(bytes >> 16),
          static_cast<std::uint8_t>(bytes >> 24),
          attributes,
          0,
          0,
          0};
}

TEST(UsbTmcMessage, AsksForTheIdentityInThePublishedBytes) {
  const Bytes expected{0x01, 0x01, 0xfe, 0x00, 0x06, 0x00, 0x00, 0x00, 0x01, 0x00,
                       0x00, 0x00, 0x2a, 0x49, 0x44, 0x4e, 0x3f, 0x0a, 0x00, 0x00};
  EXPECT_EQ(message_out(1, "*IDN?\n"), expected);
}

TEST(UsbTmcMessage, RequestsAReplyInThePublishedBytes) {
  const Bytes expected{0x02, 0x02, 0xfd, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
  const auto request = request_in(2, 1024);
  EXPECT_EQ(Bytes(request.begin(), request.end()), expected);
}

TEST(UsbTmcMessage, PadsToFourWithoutCountingThePadding) {
  for (std::size_t length = 0; length < 9; ++length) {
    const auto message = message_out(1, std::string(length, 'x'));
    EXPECT_EQ(message.size() % 4, 0u);
    EXPECT_LT(message.size() - kHeader - length, 4u);
    EXPECT_EQ(message[4], length);
  }
}

TEST(UsbTmcTag, RunsThroughAllValuesButZero) {
  std::set<std::uint8_t> seen;
  std::uint8_t tag = 0;
  for (int i = 0; i < 255; ++i) seen.insert(tag = next_tag(tag));
  EXPECT_EQ(seen.size(), 255u);
  EXPECT_FALSE(seen.contains(0));
  EXPECT_EQ(next_tag(255), 1);
}

TEST(UsbTmcReply, TellsHowLongItIsAndWhetherMoreFollows) {
  const auto last = parse_reply(reply(9, 0x12345, 1), 9, 1 << 20);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->bytes, 0x12345u);
  EXPECT_TRUE(last->end_of_message);
  EXPECT_FALSE(parse_reply(reply(9, 4, 0), 9, 64)->end_of_message);
}

TEST(UsbTmcReply, IgnoresAttributesItDoesNotKnow) {
  EXPECT_TRUE(parse_reply(reply(9, 4, 0xff), 9, 64)->end_of_message);
  EXPECT_FALSE(parse_reply(reply(9, 4, 0xfe), 9, 64)->end_of_message);
}

TEST(UsbTmcReply, RefusesTheAnswerToAnotherRequest) {
  EXPECT_EQ(parse_reply(reply(8, 4, 1), 9, 64).error().code, Code::protocol);
}

TEST(UsbTmcReply, RefusesATagWhoseInverseIsWrong) {
  Bytes bytes = reply(9, 4, 1);
  bytes[2] ^= 1;
  EXPECT_EQ(parse_reply(bytes, 9, 64).error().code, Code::protocol);
}

TEST(UsbTmcReply, RefusesAnotherKindOfMessage) {
  Bytes bytes = reply(9, 4, 1);
  bytes[0] = 1;
  EXPECT_EQ(parse_reply(bytes, 9, 64).error().code, Code::protocol);
}

TEST(UsbTmcReply, RefusesMoreThanWasAskedFor) {
  EXPECT_EQ(parse_reply(reply(9, 65, 1), 9, 64).error().code, Code::protocol);
}

TEST(UsbTmcReply, RefusesEveryLengthThatIsNoHeader) {
  const Bytes whole = reply(9, 4, 1);
  for (std::size_t length = 0; length < kHeader; ++length)
    EXPECT_EQ(parse_reply(std::span(whole).first(length), 9, 64).error().code, Code::protocol) << length;
}

}  // namespace
}  // namespace nicol::transport::usbtmc
