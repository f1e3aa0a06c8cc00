// SPDX-License-Identifier: Apache-2.0
// The pattern player as the host sees it: order, credits, underrun, going on after a pause.
#include <gtest/gtest.h>

#include "tests/unit/firmware/host.hpp"

namespace nicol::fw::test {
namespace {

constexpr SourceConfig kConfig{1'000'000, 16, 500, 0};

struct Source : Bench {
  Source() {
    light_up();
    EXPECT_EQ(order(Type::source_config, kConfig), kDone);
  }
  Nack chunk(std::uint64_t first, std::uint32_t slots) {
    const Bytes states(packed_bytes(slots));
    return order(Type::pattern_chunk, PatternChunk{first, slots, 0, states, {}});
  }
  Nack run(std::uint64_t first, std::uint64_t block = 100'000) {
    return order(Type::source_run, SourceRun{first, block});
  }
  std::vector<SourceStatus> statuses() {
    std::vector<SourceStatus> out;
    for (const Said& s : hear())
      if (s.message.header.type == Type::source_status) out.push_back(s.as<SourceStatus>());
    return out;
  }
};

TEST(Source, RunsOnlyWhileEmitting) {
  Source s;
  s.order(Type::disable_emission);
  EXPECT_EQ(s.run(0), Nack::not_armed);
}

TEST(Source, TakesChunksInOrderOnly) {
  Source s;
  EXPECT_EQ(s.chunk(0, 100), kDone);
  EXPECT_EQ(s.chunk(200, 100), Nack::bad_value);
  EXPECT_EQ(s.chunk(100, 100), kDone);
  EXPECT_EQ(s.chunk(100, 100), Nack::bad_value);
}

TEST(Source, TakesNoMoreThanThereIsRoomFor) {
  Source s;
  EXPECT_EQ(s.chunk(0, 4000), kDone);
  EXPECT_EQ(s.chunk(4000, 97), Nack::busy);
  EXPECT_EQ(s.chunk(4000, 96), kDone);
}

TEST(Source, TakesNoSlotBehindTheEndOfTheBlock) {
  Source s;
  ASSERT_EQ(s.run(0, 256), kDone);
  EXPECT_EQ(s.chunk(0, 257), Nack::bad_value);
  EXPECT_EQ(s.chunk(0, 256), kDone);
}

TEST(Source, WaitsForTheFirstPatternWithoutAnUnderrun) {
  Source s;
  ASSERT_EQ(s.run(0), kDone);
  EXPECT_EQ(s.ask(Type::source_status).as<SourceStatus>().state, Player::waiting);
  EXPECT_EQ(s.chunk(16, 16), Nack::bad_value);
  EXPECT_EQ(s.chunk(0, 16), kDone);
  EXPECT_EQ(s.ask(Type::source_status).as<SourceStatus>().state, Player::running);
}

TEST(Source, TellsWhenChunksAreConsumed) {
  Source s;
  s.chunk(0, 2048);
  s.run(0);
  s.pass(5);
  s.statuses();
  s.board.play(512);
  s.pass(5);
  const auto told = s.statuses();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0], (SourceStatus{Player::running, 512, 2560, 0}));
}

TEST(Source, TellsAtOnceWhenThePatternRunsDryAndGoesOnFromThere) {
  Source s;
  s.chunk(0, 160);
  s.run(0);
  s.pass(5);
  s.statuses();
  s.board.play(1000);
  s.pass(5);
  const auto told = s.statuses();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0], (SourceStatus{Player::dry, 160, 4096, 1}));
  EXPECT_EQ(s.run(150), Nack::bad_value);  // has left already
  EXPECT_EQ(s.run(168), Nack::bad_value);  // no multiple of the sync divider
  EXPECT_EQ(s.run(176), kDone);
  EXPECT_EQ(s.chunk(176, 16), kDone);
  EXPECT_EQ(s.board.runs.back(), (SourceRun{176, 100'000}));
}

TEST(Source, KeepsAChunkThatCameAfterTheUnderrunWhenTheRunBeginsWithIt) {
  Source s;
  s.chunk(0, 160);
  s.run(0);
  s.board.play(1000);
  EXPECT_EQ(s.chunk(160, 32), kDone);
  EXPECT_EQ(s.run(160), kDone);
  EXPECT_EQ(s.board.is.player.free_slots, 4096U - 32);
}

TEST(Source, ForgetsAChunkThatTheRunDoesNotBeginWith) {
  Source s;
  s.chunk(0, 160);
  s.run(0);
  s.board.play(1000);
  EXPECT_EQ(s.chunk(160, 32), kDone);
  EXPECT_EQ(s.run(320), kDone);
  EXPECT_EQ(s.board.is.player.free_slots, 4096U);
  EXPECT_EQ(s.chunk(320, 16), kDone);
}

TEST(Source, GoesOnOnlyInTheBlockThatWasBegun) {
  Source s;
  s.chunk(0, 160);
  s.run(0);
  s.board.play(1000);
  EXPECT_EQ(s.run(160, 50'000), Nack::bad_value);
}

TEST(Source, StopsAndForgetsItsPatternWithTheLight) {
  Source s;
  s.chunk(0, 160);
  s.run(0);
  s.order(Type::disable_emission);
  EXPECT_EQ(s.board.is.player.state, Player::stopped);
  EXPECT_EQ(s.board.is.player.free_slots, 4096U);
}

TEST(Source, RefusesASettingItCannotMake) {
  Source s;
  EXPECT_EQ(s.order(Type::source_config, SourceConfig{99'999, 16, 500, 0}), Nack::bad_value);
  EXPECT_EQ(s.order(Type::source_config, SourceConfig{1'000'000, 0, 500, 0}), Nack::bad_value);
  EXPECT_EQ(s.order(Type::source_config, SourceConfig{1'000'000, 1, 1'000'000, 0}), Nack::bad_value);
  s.board.about.source.intensities = 1;
  EXPECT_EQ(s.order(Type::source_config, SourceConfig{1'000'000, 1, 1, kSourceIntensities}), Nack::bad_value);
}

TEST(Source, RefusesANewSettingWhileItRuns) {
  Source s;
  s.chunk(0, 160);
  s.run(0);
  EXPECT_EQ(s.order(Type::source_config, kConfig), Nack::busy);
}

TEST(Motion, AnAbsoluteMoveWantsAHomedAxis) {
  Bench b;
  b.hello(1);
  EXPECT_EQ(b.order(Type::move, Move{0, MoveKind::absolute, 100}), Nack::not_homed);
  EXPECT_EQ(b.order(Type::home, Axis{0}), kDone);
  EXPECT_EQ(b.order(Type::move, Move{0, MoveKind::absolute, 100}), Nack::busy);
  b.board.is.axes[0].moving = false;
  EXPECT_EQ(b.order(Type::move, Move{0, MoveKind::absolute, 100}), kDone);
  EXPECT_EQ(b.order(Type::move, Move{2, MoveKind::relative, 100}), Nack::bad_value);
}

TEST(Motion, ItsEndIsTold) {
  Bench b;
  b.hello(1);
  b.order(Type::move, Move{1, MoveKind::relative, -250});
  b.pass(5);
  b.hear();
  b.board.is.axes[1].moving = false;
  b.pass(5);
  const auto said = b.hear();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].as<AxisStatus>(), (AxisStatus{1, 0, -250}));
}

TEST(Motion, ARelativeMoveBeyondAllNumbersIsRefused) {
  Bench b;
  b.hello(1);
  b.board.is.axes[0].position = -5;
  EXPECT_EQ(b.order(Type::move, Move{0, MoveKind::relative, std::numeric_limits<std::int64_t>::min()}),
            Nack::bad_value);
  EXPECT_EQ(b.board.is.moves, 0);
}

}  // namespace
}  // namespace nicol::fw::test
