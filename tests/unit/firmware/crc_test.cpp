// SPDX-License-Identifier: Apache-2.0
// Three ways to the same CRC-32C.
#include "firmware-protocol/crc.hpp"

#include <gtest/gtest.h>

#include "tests/unit/firmware/bytes.hpp"

namespace nicol::fw::test {
namespace {

TEST(Crc32c, IsTheSameByTableAndBitByBitAtEveryLengthAndAlignment) {
  Rng rng(1);
  const Bytes bytes = random_bytes(rng, 300);
  for (std::size_t start = 0; start < 9; ++start)
    for (std::size_t length = 0; length < 280; ++length) {
      const auto part = std::span(bytes).subspan(start, length);
      ASSERT_EQ(crc32c_table(part), crc32c_bitwise(part)) << start << " " << length;
    }
}

TEST(Crc32c, IsTheSameByInstructionAtEveryLengthAndAlignment) {
  if (!has_crc32c_instruction()) GTEST_SKIP() << "this processor has no CRC-32C instruction";
  Rng rng(2);
  const Bytes bytes = random_bytes(rng, 300);
  for (std::size_t start = 0; start < 9; ++start)
    for (std::size_t length = 0; length < 280; ++length) {
      const auto part = std::span(bytes).subspan(start, length);
      ASSERT_EQ(crc32c_instruction(part), crc32c_bitwise(part)) << start << " " << length;
    }
}

TEST(Crc32c, IsTheSameThreeWaysOverTheLargestFrame) {
  Rng rng(3);
  const Bytes bytes = random_bytes(rng, kLargestFrame);
  const std::uint32_t slow = crc32c_bitwise(bytes);
  EXPECT_EQ(crc32c_table(bytes), slow);
  EXPECT_EQ(crc32c(bytes), slow);
  if (has_crc32c_instruction()) {
    EXPECT_EQ(crc32c_instruction(bytes), slow);
  }
}

TEST(Crc32c, GoesOnFromWhereItStoppedInEveryWay) {
  Rng rng(4);
  const Bytes bytes = random_bytes(rng, 64);
  const std::uint32_t whole = crc32c_bitwise(bytes);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    const auto head = std::span(bytes).first(cut), tail = std::span(bytes).subspan(cut);
    ASSERT_EQ(crc32c_bitwise(tail, crc32c_bitwise(head)), whole);
    ASSERT_EQ(crc32c_table(tail, crc32c_table(head)), whole);
    ASSERT_EQ(crc32c(tail, crc32c(head)), whole);
    if (has_crc32c_instruction()) {
      ASSERT_EQ(crc32c_instruction(tail, crc32c_instruction(head)), whole);
    }
  }
}

TEST(Crc16, SeesEveryFlippedBitAndEveryFlippedPairOfAHeader) {
  Bytes header{0xD7, 1, 2, 0, 1, 0, 0, 0, 8, 0};
  const std::uint16_t right = crc16(header);
  const auto flip = [&](std::size_t bit) {
    header[bit / 8] = static_cast<std::uint8_t>(header[bit / 8] ^ 1U << bit % 8);
  };
  for (std::size_t a = 0; a < 80; ++a)
    for (std::size_t b = a; b < 80; ++b) {
      flip(a);
      if (b != a) flip(b);
      ASSERT_NE(crc16(header), right) << a << " " << b;
      flip(a);
      if (b != a) flip(b);
    }
}

}  // namespace
}  // namespace nicol::fw::test
