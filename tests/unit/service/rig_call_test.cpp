// SPDX-License-Identifier: Apache-2.0
// Calls of the peer's rig: written and read back, garbage refused, and nothing done that calibration does not need.
#include "controller/service/rig_call.hpp"

#include <gtest/gtest.h>

#include "controller/service/rig_server.hpp"
#include "tests/unit/service/stub_source.hpp"

namespace nicol::service {
namespace {

RigCall emit(std::uint64_t slots) {
  const std::size_t words = (slots + 63) / 64;
  return {7, RigMethod::emit, 64, slots, std::vector<std::uint64_t>(words, 5), std::vector<std::uint64_t>(words, 9)};
}

TEST(RigCalls, AreReadAsTheyWereWritten) {
  const auto call = decode_rig_call(encode(emit(1'000)));
  ASSERT_TRUE(call.ok());
  EXPECT_EQ(call->id, 7U);
  EXPECT_EQ(call->method, RigMethod::emit);
  EXPECT_EQ(call->number, 64U);
  EXPECT_EQ(call->slots, 1'000U);
  EXPECT_EQ(call->bases, emit(1'000).bases);
  EXPECT_EQ(call->bits, emit(1'000).bits);
}

TEST(RigAnswers, CarryWhatWentWrong) {
  RigAnswer answer;
  answer.id = 3;
  answer.done = Error{Code::interlock, "the lid is open", "", 0, {}};
  const auto read = decode_rig_answer(encode(answer));
  ASSERT_TRUE(read.ok());
  ASSERT_FALSE(read->done.ok());
  EXPECT_EQ(read->done.error().code, Code::interlock);
  EXPECT_EQ(read->done.error().message, "the lid is open");
}

TEST(RigCalls, AreRefusedWhereALengthIsWrong) {
  auto bytes = encode(emit(128));
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_rig_call(std::span(bytes).first(n)).ok()) << n;
  bytes.push_back(0);
  EXPECT_FALSE(decode_rig_call(bytes).ok());
}

class ServedRig : public testing::Test {
 protected:
  ServedRig() {
    rig_.clock = make_virtual_rig_clock();
    auto source = std::make_unique<StubSource>(std::size_t{1} << 16);
    source_ = source.get();
    rig_.add("source", "source", std::move(source));
  }
  RigAnswer ask(RigMethod method, std::uint64_t number = 0, const char* busy = "") {
    return decode_rig_answer(server_.answer(encode(RigCall{1, method, number, 0, {}, {}}), busy)).value();
  }
  hal::Rig rig_;
  StubSource* source_ = nullptr;
  FakeDeadlines deadlines_;
  RigServer server_{rig_, deadlines_, [] { return Result<void>(); }};
};

TEST_F(ServedRig, DoesNothingBeforeACalibrationHasBegun) {
  EXPECT_EQ(ask(RigMethod::arm_and_enable).done.error().code, Code::unsafe_state);
  EXPECT_TRUE(ask(RigMethod::begin).done.ok());
  EXPECT_TRUE(ask(RigMethod::arm_and_enable).done.ok());
}

TEST_F(ServedRig, DoesNothingWhileItIsBusy) {
  EXPECT_EQ(ask(RigMethod::begin, 0, "a block is open").done.error().code, Code::busy);
  EXPECT_FALSE(server_.in_use());
}

TEST_F(ServedRig, GivesNobodyBrightLight) {
  ask(RigMethod::begin);
  EXPECT_EQ(ask(RigMethod::set_light, static_cast<std::uint64_t>(hal::LightLevel::alignment)).done.error().code,
            Code::refused);
}

TEST_F(ServedRig, IsItsOwnersAgainAfterSilence) {
  ask(RigMethod::begin);
  deadlines_.advance(std::chrono::seconds(4));
  server_.look();
  EXPECT_TRUE(server_.in_use());
  deadlines_.advance(std::chrono::seconds(2));
  server_.look();
  EXPECT_FALSE(server_.in_use());
}

TEST_F(ServedRig, AnswersGarbageWithWords) {
  const std::vector<std::uint8_t> garbage{1, 2, 3};
  EXPECT_FALSE(decode_rig_answer(server_.answer(garbage, ""))->done.ok());
}

}  // namespace
}  // namespace nicol::service
