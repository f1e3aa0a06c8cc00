// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "drivers/scpi/replies.hpp"

namespace nicol::scpi {
namespace {

TEST(ScpiIdentity, HasFourFields) {
  const auto who = parse_identity("Thorlabs,CLD1015,M00312450,1.7.0\n");
  ASSERT_TRUE(who.ok());
  EXPECT_EQ(who->vendor, "Thorlabs");
  EXPECT_EQ(who->model, "CLD1015");
  EXPECT_EQ(who->serial, "M00312450");
  EXPECT_EQ(who->firmware, "1.7.0");
}

TEST(ScpiIdentity, MayLackItsFirmwareButNoSerialNumber) {
  EXPECT_TRUE(parse_identity("QC,9530,02146").ok());
  for (const char* bad : {"", ",", "QC,9530", "QC,9530,,1.0", "QC"}) EXPECT_FALSE(parse_identity(bad).ok()) << bad;
}

TEST(ScpiNumber, IsReadInAnyNotation) {
  EXPECT_DOUBLE_EQ(*parse_number("5.000000E-02"), 0.05);
  EXPECT_DOUBLE_EQ(*parse_number("+1.5"), 1.5);
  EXPECT_DOUBLE_EQ(*parse_number(" -3\r\n"), -3);
  EXPECT_DOUBLE_EQ(*parse_number("0.00000010000"), 1e-7);
}

TEST(ScpiNumber, IsNothingElse) {
  for (const char* bad : {"", "1.2.3", "abc", "1 A", "nan", "inf", "+", "1,2"})
    EXPECT_EQ(parse_number(bad).error().code, Code::protocol) << bad;
}

TEST(ScpiNumber, IsNotTheInstrumentsWordForNone) {
  EXPECT_EQ(parse_number("9.91E+37").error().code, Code::protocol);
  EXPECT_EQ(parse_number("-9.9E37").error().code, Code::protocol);
}

TEST(ScpiFlag, IsOneOrZeroOrAWord) {
  for (const char* on : {"1", "+1", "ON", "1\n"}) EXPECT_TRUE(*parse_flag(on)) << on;
  for (const char* off : {"0", "+0", "OFF"}) EXPECT_FALSE(*parse_flag(off)) << off;
  for (const char* bad : {"", "2", "0.5", "p", "11"}) EXPECT_FALSE(parse_flag(bad).ok()) << bad;
}

TEST(ScpiErrorQueue, SaysPlusZeroWhenItIsEmpty) {
  const auto none = parse_queued_error("+0,'No error'");
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(none->number, 0);
  EXPECT_EQ(none->text, "No error");
}

TEST(ScpiErrorQueue, HasNumbersAndQuotedTexts) {
  const auto entry = parse_queued_error("-222,\"Data out of range; 3 A\"\r\n");
  ASSERT_TRUE(entry.ok());
  EXPECT_EQ(entry->number, -222);
  EXPECT_EQ(entry->text, "Data out of range; 3 A");
  for (const char* bad : {"", "0", "x,'y'", ",'y'", "1e3,'y'"}) EXPECT_FALSE(parse_queued_error(bad).ok()) << bad;
}

TEST(ScpiRefusal, CarriesTheInstrumentsNumberAndTheCommand) {
  const Error why = refusal({-222, "Data out of range"}, "SOUR:CURR 3");
  EXPECT_EQ(why.code, Code::out_of_range);
  EXPECT_EQ(why.native_code, -222);
  EXPECT_NE(why.message.find("SOUR:CURR 3"), std::string::npos);
  EXPECT_EQ(refusal({-221, "Settings conflict"}, "x").code, Code::refused);
}

}  // namespace
}  // namespace nicol::scpi
