// SPDX-License-Identifier: Apache-2.0
// Requests and replies of the Elliptec protocol against what real mounts said (DEVICES.md 1.2).
#include <gtest/gtest.h>

#include <limits>
#include <string_view>
#include <vector>

#include "drivers/elliptec/status.hpp"
#include "drivers/elliptec/wire.hpp"

namespace nicol::elliptec {
namespace {

const Scale kScale(143'360);

std::vector<Reply> read(ReplyReader& reader, std::string_view text) {
  std::vector<Reply> replies;
  reader.feed({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()},
              [&](const Reply& reply) { replies.push_back(reply); });
  return replies;
}
std::vector<Reply> read(std::string_view text) {
  ReplyReader reader;
  return read(reader, text);
}

std::string move(double degrees) { return request::move_absolute('0', kScale.counts(Angle::degrees(degrees)).value()); }

TEST(ElliptecRequest, WritesAnglesAsEightDigitsOfCounts) {
  EXPECT_EQ(move(22.5), "0ma00002300");
  EXPECT_EQ(move(45), "0ma00004600");
  EXPECT_EQ(move(90), "0ma00008C00");
}

TEST(ElliptecRequest, WritesNegativeAnglesInTwosComplement) { EXPECT_EQ(move(-0.5), "0maFFFFFF39"); }

TEST(ElliptecRequest, AsksForANewAddress) { EXPECT_EQ(request::change_address('0', '1'), "0ca1"); }

TEST(ElliptecRequest, NamesTheDirectionOfHoming) {
  EXPECT_EQ(request::home('3', request::Sense::clockwise), "3ho0");
  EXPECT_EQ(request::home('F', request::Sense::counter_clockwise), "Fho1");
}

TEST(ElliptecRequest, WritesTheVelocityInHexPercent) {
  EXPECT_EQ(request::set_velocity('0', 100), "0sv64");
  EXPECT_EQ(request::set_velocity('0', 45), "0sv2D");
}

TEST(ElliptecRequest, EndsWithoutTerminator) {
  for (const std::string& text : {request::identify('A'), request::status('A'), request::position('A'),
                                  request::velocity('A'), request::home_offset('A'), request::motor('A', 1)})
    EXPECT_EQ(text.size(), 3u) << text;
}

TEST(ElliptecIdentity, IsReadFromWhatRealMountsSaid) {
  struct Capture {
    std::string_view line;
    char address;
    Identity identity;
  };
  const std::vector<Capture> captures{
      {"2IN0E1140051720231701016800023000", '2', {0x0E, "11400517", 2023, 0x17, 1, false, 360, 143'360}},
      {"3IN0E1140028420211501016800023000", '3', {0x0E, "11400284", 2021, 0x15, 1, false, 360, 143'360}},
      {"8IN0E1140060920231701016800023000", '8', {0x0E, "11400609", 2023, 0x17, 1, false, 360, 143'360}}};
  for (const Capture& capture : captures) {
    const auto reply = parse_reply(capture.line);
    ASSERT_TRUE(reply) << capture.line;
    EXPECT_EQ(reply->address, capture.address);
    const auto identity = parse_identity(*reply);
    ASSERT_TRUE(identity) << capture.line;
    EXPECT_EQ(*identity, capture.identity) << capture.line;
  }
}

TEST(ElliptecIdentity, TakesBitSevenOfTheHardwareAsImperial) {
  const auto identity = parse_identity(*parse_reply("2IN0E1140051720231781016800023000"));
  ASSERT_TRUE(identity);
  EXPECT_TRUE(identity->imperial);
  EXPECT_EQ(identity->hardware, 1);
}

TEST(ElliptecIdentity, RefusesAMountWithoutPulses) {
  for (const char* line : {"2IN0E1140051720231701016800000000", "2IN0E11400517202317010168FFFFFFFF"})
    EXPECT_EQ(parse_identity(*parse_reply(line)).error().code, Code::protocol) << line;
}

TEST(ElliptecIdentity, RefusesAYearThatIsNoNumber) {
  EXPECT_FALSE(parse_identity(*parse_reply("2IN0E1140051720F31701016800023000")));
}

TEST(ElliptecPosition, IsReadFromWhatRealMountsSaid) {
  EXPECT_EQ(parse_counts(parse_reply("3POFFFFD000")->data), -12'288);
  EXPECT_EQ(parse_counts(parse_reply("2POFFFFDA9C")->data), -9572);
  EXPECT_NEAR(kScale.angle(-9572).degrees(), -24.0368, 5e-5);
}

TEST(ElliptecPosition, TakesTheSmallestNumberAsNegative) {
  EXPECT_EQ(parse_counts("80000000"), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(parse_counts("7FFFFFFF"), std::numeric_limits<std::int32_t>::max());
}

TEST(ElliptecPosition, RefusesWhatIsNotEightUpperCaseDigits) {
  for (const char* text : {"", "0000230", "000023000", "0000230g", "fffffd00", "0000 300"})
    EXPECT_FALSE(parse_counts(text)) << text;
}

TEST(ElliptecMotor, IsReadFromWhatARealMountSaid) {
  const auto motor = parse_motor(*parse_reply("0I1100428FFFFFFFF00BD008B"));
  ASSERT_TRUE(motor);
  EXPECT_TRUE(motor->loop_closed);
  EXPECT_FALSE(motor->running);
  EXPECT_NEAR(motor->amperes, 1064 / 1866.0, 1e-9);
  EXPECT_NEAR(motor->forward_hz, 14'740'000.0 / 189, 1e-6);
  EXPECT_NEAR(motor->backward_hz, 14'740'000.0 / 139, 1e-6);
}

TEST(ElliptecScale, RoundsToTheNearestCount) {
  EXPECT_EQ(*kScale.counts(Angle::degrees(0.0013)), 1);
  EXPECT_EQ(*kScale.counts(Angle::degrees(-0.0013)), -1);
  EXPECT_EQ(*kScale.counts(Angle::degrees(0.0012)), 0);
}

TEST(ElliptecScale, ComesFromTheMountsOwnPulses) {
  EXPECT_NEAR(kScale.counts_per_degree(), 398.2222, 5e-5);
  EXPECT_EQ(*Scale(262'144).counts(Angle::degrees(45)), 32'768);
}

TEST(ElliptecScale, RefusesAnglesThatDoNotFit) {
  for (const double degrees :
       {6e6, -6e6, 1e300, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    EXPECT_EQ(kScale.counts(Angle::degrees(degrees)).error().code, Code::out_of_range) << degrees;
}

TEST(ElliptecReader, FindsRepliesInPieces) {
  ReplyReader reader;
  EXPECT_TRUE(read(reader, "0PO000").empty());
  EXPECT_TRUE(read(reader, "02300\r").size() == 1);
  EXPECT_TRUE(read(reader, "\n").empty());
}

TEST(ElliptecReader, StepsOverZeroBytes) {
  using namespace std::string_view_literals;
  const auto replies = read("\0\0000PO00002300\r\n\0001GS00\r\n"sv);
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(replies[0], (Reply{'0', "PO", "00002300"}));
  EXPECT_EQ(replies[1], (Reply{'1', "GS", "00"}));
}

TEST(ElliptecReader, StepsOverTheEchoOfARequest) {
  const auto replies = read("0gp0PO00002300\r\n");
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].data, "00002300");
}

TEST(ElliptecReader, StepsOverHalfAReply) {
  const auto replies = read("0PO00000PO00002300\r\n");
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].data, "00002300");
}

TEST(ElliptecReader, TakesALostLineFeedInItsStride) { EXPECT_EQ(read("0PO00002300\r1GS00\r\n").size(), 2u); }

TEST(ElliptecReader, TakesNothingOfTheWrongLength) {
  EXPECT_TRUE(read("0PO0002300\r\n0GS0\r\n0GS000\r\nPO00002300\r\n").empty());
}

TEST(ElliptecReader, TakesNoLowerCase) {
  EXPECT_TRUE(read("0po00002300\r\n0gs00\r\n0PO0000d000\r\naGS00\r\n").empty());
}

TEST(ElliptecReader, TakesNoAddressBeyondF) { EXPECT_TRUE(read("GGS00\r\n").empty()); }

TEST(ElliptecReader, TellsButtonsFromAnswers) {
  const auto replies = read("0BS09\r\n0BO00001234\r\n");
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(replies[0].kind, "BS");
  EXPECT_EQ(replies[1].kind, "BO");
}

TEST(ElliptecReader, HoldsNoMoreThanALine) {
  ReplyReader reader;
  EXPECT_TRUE(read(reader, std::string(100'000, 'A')).empty());
  EXPECT_EQ(read(reader, "0GS00\r\n").size(), 1u);
}

TEST(ElliptecStatus, IsOkForZeroOnly) {
  for (int code = 0; code < 256; ++code)
    EXPECT_EQ(status_result(static_cast<std::uint8_t>(code), "x").ok(), code == 0) << code;
}

TEST(ElliptecStatus, SaysWhatToDoAboutEveryCode) {
  const std::vector<std::pair<int, Code>> table{
      {0x01, Code::timeout},        {0x02, Code::motion_fault},   {0x03, Code::not_supported},
      {0x04, Code::out_of_range},   {0x05, Code::refused},        {0x06, Code::busy},
      {0x07, Code::hardware_fault}, {0x08, Code::hardware_fault}, {0x09, Code::busy},
      {0x0A, Code::hardware_fault}, {0x0B, Code::hardware_fault}, {0x0C, Code::out_of_range},
      {0x0D, Code::hardware_fault}, {0x0E, Code::hardware_fault}, {0x0F, Code::hardware_fault}};
  for (const auto& [code, expected] : table) {
    const Error error = status_result(static_cast<std::uint8_t>(code), "11400517").error();
    EXPECT_EQ(error.code, expected) << code;
    EXPECT_EQ(error.native_code, code);
    EXPECT_EQ(error.device, "11400517");
    EXPECT_GT(error.message.size(), 20u) << code;
  }
}

TEST(ElliptecStatus, IsReadFromGsAlone) {
  EXPECT_EQ(status_code({'0', "GS", "0E"}), 0x0E);
  EXPECT_FALSE(status_code({'0', "BS", "09"}));
}

TEST(ElliptecStatus, OfTheNewAddressConfirmsAChange) {
  const auto reply = parse_reply("1GS00");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->address, '1');
  EXPECT_EQ(status_code(*reply), 0);
}

}  // namespace
}  // namespace nicol::elliptec
