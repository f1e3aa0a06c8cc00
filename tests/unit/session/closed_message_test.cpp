// SPDX-License-Identifier: Apache-2.0
// CLOSED as bytes: her times strictly increasing, inside the block, outside what she dropped.
#include <gtest/gtest.h>

#include "controller/session/agreement.hpp"
#include "controller/session/messages.hpp"

namespace nicol::session {
namespace {

using detection::pairs::ClosedList;

constexpr std::uint64_t kTicks = 100'000;

ClosedList few() { return {-7, {0, 12, 13, 99'999}, {{1, 5}, {500, 900}}}; }

TEST(ClosedMessage, IsTheSameAfterTheWire) {
  const auto list = decode_closed(encode(few()), kTicks);
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(*list, few());
}

TEST(ClosedMessage, OfNothingIsTheSameAfterTheWire) {
  const auto list = decode_closed(encode(ClosedList{}), kTicks);
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(*list, ClosedList{});
}

TEST(ClosedMessage, WithATimeBeyondTheBlockIsRefused) { EXPECT_FALSE(decode_closed(encode(few()), 99'999).ok()); }

TEST(ClosedMessage, WithTimesThatDoNotIncreaseIsRefused) {
  for (const std::vector<std::uint64_t>& times : {std::vector<std::uint64_t>{12, 12}, {12, 11}, {5, 900, 30}}) {
    ClosedList m;
    m.times = times;
    EXPECT_FALSE(decode_closed(encode(m), kTicks).ok());
  }
}

TEST(ClosedMessage, WithAClickInWhatSheDroppedIsRefused) {
  for (const std::uint64_t time : {500U, 700U, 899U}) {
    ClosedList m;
    m.times = {10, time, 5000};
    m.dropped = {{1, 5}, {500, 900}};
    EXPECT_FALSE(decode_closed(encode(m), kTicks).ok()) << time;
  }
}

TEST(ClosedMessage, TakesAClickBesideWhatSheDropped) {
  ClosedList m;
  m.times = {499, 900};
  m.dropped = {{500, 900}};
  EXPECT_TRUE(decode_closed(encode(m), kTicks).ok());
}

TEST(ClosedMessage, WithADropBeyondTheBlockIsRefused) {
  ClosedList m;
  m.dropped = {{500, kTicks + 1}};
  EXPECT_FALSE(decode_closed(encode(m), kTicks).ok());
}

TEST(ClosedMessage, ThatClaimsMoreThanItHoldsIsRefused) {
  ByteWriter w;
  w.u64(0);
  w.varint(kMaxDetections);
  w.varint(1);
  EXPECT_FALSE(decode_closed(std::move(w).take(), std::uint64_t{1} << 40).ok());
}

TEST(ClosedMessage, OfMoreClicksThanAListMayHaveIsRefused) {
  ByteWriter w;
  w.u64(0);
  w.varint(kMaxDetections + 1);
  for (std::uint64_t k = 0; k <= kMaxDetections; ++k) w.varint(0);
  w.varint(0);
  EXPECT_FALSE(decode_closed(std::move(w).take(), std::uint64_t{1} << 40).ok());
}

TEST(ClosedMessage, CutAnywhereIsRefused) {
  const Bytes whole = encode(few());
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(decode_closed(ByteSpan(whole).first(n), kTicks).ok());
}

TEST(ClosedMessage, WithAByteTooManyIsRefused) {
  Bytes longer = encode(few());
  longer.push_back(0);
  EXPECT_FALSE(decode_closed(longer, kTicks).ok());
}

TEST(ClosedTicks, CoverABlockThatBeginsWithinATick) {
  Agreement a;
  a.pairs = {detection::pairs::PairState::psi_minus, Picoseconds{1'000'000}, Picoseconds{1'000}};
  a.block_slots = 3;
  EXPECT_EQ(closed_ticks(a), 3001U);
}

TEST(ClosedTicks, AreNoneForABlockWithoutAnEnd) {
  Agreement a;
  a.block_slots = std::uint64_t{1} << 50;
  EXPECT_EQ(closed_ticks(a), 0U);
  a.block_slots = 10;
  a.pairs.closed_tick = {};
  EXPECT_EQ(closed_ticks(a), 0U);
}

}  // namespace
}  // namespace nicol::session
