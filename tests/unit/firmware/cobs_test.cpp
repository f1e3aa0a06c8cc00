// SPDX-License-Identifier: Apache-2.0
// Byte stuffing: reversible, without a zero, within its bound, and total on what is no block.
#include "firmware-protocol/cobs.hpp"

#include <gtest/gtest.h>

#include "tests/unit/firmware/bytes.hpp"

namespace nicol::fw::test {
namespace {

Bytes stuffed(const Bytes& plain) {
  Bytes out(cobs_bound(plain.size()));
  out.resize(cobs_encode(plain, out));
  return out;
}
std::size_t decoded_size(const Bytes& block, std::size_t room) {
  Bytes out(room);
  return cobs_decode(block, out);
}

TEST(Cobs, GivesBackWhatWasStuffed) {
  Rng rng(10);
  for (int round = 0; round < 2000; ++round) {
    const Bytes plain = random_bytes(rng, 1 + below(rng, 1200));
    const Bytes block = stuffed(plain);
    Bytes out(plain.size());
    ASSERT_EQ(cobs_decode(block, out), plain.size());
    ASSERT_EQ(out, plain);
  }
}

TEST(Cobs, LeavesNoZeroInside) {
  Rng rng(11);
  for (int round = 0; round < 500; ++round) {
    const Bytes block = stuffed(random_bytes(rng, below(rng, 1200)));
    ASSERT_EQ(std::count(block.begin(), block.end(), 0), 0);
  }
}

TEST(Cobs, ReachesItsBoundWithoutZerosAndNeverPassesIt) {
  for (std::size_t n = 0; n < 1100; ++n) EXPECT_EQ(stuffed(Bytes(n, 0x55)).size(), cobs_bound(n));
}

TEST(Cobs, UnstuffsInPlace) {
  Rng rng(12);
  for (int round = 0; round < 500; ++round) {
    const Bytes plain = random_bytes(rng, 1 + below(rng, 1200));
    Bytes block = stuffed(plain);
    block.resize(cobs_decode(block, block));
    ASSERT_EQ(block, plain);
  }
}

TEST(Cobs, TakesARunOf254WithoutTheEmptyPieceBehindIt) {
  Bytes block = stuffed(Bytes(254, 7));
  block.pop_back();
  EXPECT_EQ(decoded_size(block, 254), 254U);
}

TEST(Cobs, WritesNothingPastASpaceThatIsTooSmall) {
  Rng rng(13);
  const Bytes plain = random_bytes(rng, 600);
  const std::size_t needed = stuffed(plain).size();
  for (std::size_t room = 0; room < needed; ++room) {
    Bytes out(needed + 1, 0xAA);
    ASSERT_EQ(cobs_encode(plain, std::span(out).first(room)), 0U);
    for (std::size_t i = room; i < out.size(); ++i) ASSERT_EQ(out[i], 0xAA);
  }
}

TEST(CobsDecoder, RefusesABlockThatPointsPastItsEnd) { EXPECT_EQ(decoded_size({5, 1, 2, 3}, 16), 0U); }
TEST(CobsDecoder, RefusesAZeroInAPiece) { EXPECT_EQ(decoded_size({4, 1, 0, 3}, 16), 0U); }
TEST(CobsDecoder, RefusesAZeroAsACode) { EXPECT_EQ(decoded_size({2, 1, 0, 3}, 16), 0U); }
TEST(CobsDecoder, RefusesWhatDoesNotFit) {
  EXPECT_EQ(decoded_size({3, 1, 2, 2, 3}, 3), 0U);
  EXPECT_EQ(decoded_size({3, 1, 2, 2, 3}, 4), 4U);
}
TEST(CobsDecoder, GivesNothingForNothing) { EXPECT_EQ(decoded_size({}, 4), 0U); }

TEST(CobsDecoder, NeverWritesMoreThanItReadsWhateverComes) {
  Rng rng(14);
  for (int round = 0; round < 5000; ++round) {
    const Bytes noise = random_bytes(rng, below(rng, 300));
    ASSERT_LE(decoded_size(noise, 512), noise.size());
  }
}

}  // namespace
}  // namespace nicol::fw::test
