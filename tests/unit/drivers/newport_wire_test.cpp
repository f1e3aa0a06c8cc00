// SPDX-License-Identifier: Apache-2.0
// Requests and replies of Newport's one-axis controllers (DEVICES.md 1.4).
#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "drivers/newport/wire.hpp"

namespace nicol::newport {
namespace {

std::vector<Reply> read(std::string_view text) {
  LineReader reader;
  std::vector<Reply> replies;
  reader.feed({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()},
              [&](const Reply& reply) { replies.push_back(reply); });
  return replies;
}

TEST(NewportRequest, IsAxisLettersValueAndLineEnd) {
  EXPECT_EQ(request::plain(1, "OR"), "1OR\r\n");
  EXPECT_EQ(request::move_absolute(1, 10.5), "1PA10.5\r\n");
  EXPECT_EQ(request::move_relative(1, -2), "1PR-2\r\n");
  EXPECT_EQ(request::plain(1, "ST"), "1ST\r\n");
  EXPECT_EQ(request::position(1), "1TP\r\n");
  EXPECT_EQ(request::ask(12, "SL"), "12SL?\r\n");
}

TEST(NewportRequest, WritesNoExponents) { EXPECT_EQ(request::move_absolute(1, 1e-9), "1PA0\r\n"); }

TEST(NewportReply, TellsThePosition) {
  const auto replies = read("1TP10.5000\r\n");
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0], (Reply{1, "TP", "10.5000"}));
  EXPECT_EQ(parse_number(replies[0].value), 10.5);
}

TEST(NewportReply, TellsNoErrorAsAnAtSign) {
  const auto code = parse_error_code(*parse_reply("1TE@"));
  ASSERT_TRUE(code);
  EXPECT_TRUE(command_result(*code, "x"));
}

TEST(NewportReply, IsFoundAmongNoise) {
  using namespace std::string_view_literals;
  EXPECT_EQ(read("\0\0001TE@\r\nxyz\r\n1tp3\r\n1TP\0002\r\n"sv).size(), 2u);
  EXPECT_TRUE(read("TE@\r\n0TE@\r\n99TE@\r\n1T\r\n").empty());
}

TEST(NewportReply, HoldsNoMoreThanALine) { EXPECT_TRUE(read(std::string(100'000, '1')).empty()); }

TEST(NewportReply, RefusesNumbersThatAreNone) {
  for (const char* text : {"", "10.5x", " 1", "nan", "inf", "1e999"}) EXPECT_FALSE(parse_number(text)) << text;
}

TEST(NewportState, HasErrorsAndACode) {
  const auto state = parse_state(*parse_reply("1TS002028"));
  ASSERT_TRUE(state);
  EXPECT_EQ(state->errors, 0x0020);
  EXPECT_EQ(state->code, 0x28);
  EXPECT_EQ(state->phase, Phase::moving);
}

TEST(NewportState, KnowsEveryCodeOfTheTable) {
  const std::vector<std::pair<std::vector<int>, Phase>> table{
      {{0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10}, Phase::not_referenced},
      {{0x14}, Phase::configuration},
      {{0x1E, 0x1F}, Phase::homing},
      {{0x28}, Phase::moving},
      {{0x32, 0x33, 0x34}, Phase::ready},
      {{0x3C, 0x3D, 0x3E}, Phase::disabled},
      {{0x00, 0x11, 0xFF}, Phase::unknown}};
  for (const auto& [codes, phase] : table)
    for (const int code : codes) EXPECT_EQ(phase_of(static_cast<std::uint8_t>(code)), phase) << code;
}

TEST(NewportState, RefusesHalfATable) {
  for (const char* line : {"1TS00002", "1TS0000288", "1TSxxxx28", "1TP000028"})
    EXPECT_EQ(parse_state(*parse_reply(line)).error().code, Code::protocol) << line;
}

TEST(NewportState, NamesThePositionersErrors) {
  EXPECT_EQ(positioner_errors(0), "");
  EXPECT_EQ(positioner_errors(0x0003), "positive end of run, negative end of run");
  EXPECT_NE(positioner_errors(0x0020).find("following error"), std::string::npos);
}

TEST(NewportError, SaysWhatToDo) {
  for (const auto& [letter, code] : std::vector<std::pair<char, Code>>{{'C', Code::out_of_range},
                                                                       {'G', Code::out_of_range},
                                                                       {'H', Code::not_homed},
                                                                       {'M', Code::busy},
                                                                       {'J', Code::refused},
                                                                       {'?', Code::hardware_fault}}) {
    const Error error = command_result(letter, "A6XWNB1D").error();
    EXPECT_EQ(error.code, code) << letter;
    EXPECT_EQ(error.device, "A6XWNB1D");
    EXPECT_GT(error.message.size(), 20u);
  }
}

}  // namespace
}  // namespace nicol::newport
