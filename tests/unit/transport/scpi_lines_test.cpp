// SPDX-License-Identifier: Apache-2.0
#include "drivers/transport/scpi_lines.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace nicol::transport {
namespace {

void feed(LineSplitter& splitter, std::string_view text) {
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  splitter.feed(bytes);
}

TEST(LineSplitter, GivesLinesInTheOrderTheyCame) {
  LineSplitter splitter("\n");
  feed(splitter, "one\ntwo\nth");
  EXPECT_EQ(splitter.next(), "one");
  EXPECT_EQ(splitter.next(), "two");
  EXPECT_EQ(splitter.next(), std::nullopt);
}

TEST(LineSplitter, JoinsALineThatCameByteByByte) {
  LineSplitter splitter("\r\n");
  for (const char c : std::string("ok\r\n")) {
    EXPECT_EQ(splitter.next(), std::nullopt);
    feed(splitter, std::string(1, c));
  }
  EXPECT_EQ(splitter.next(), "ok");
}

TEST(LineSplitter, TakesACarriageReturnBeforeANewlineForItsPart) {
  LineSplitter splitter("\n");
  feed(splitter, "a\r\nb\n");
  EXPECT_EQ(splitter.next(), "a");
  EXPECT_EQ(splitter.next(), "b");
}

TEST(LineSplitter, DoesNotGrowOnGarbageWithoutAnEnd) {
  LineSplitter splitter("\n");
  const std::string garbage(10'000, 'x');
  for (int i = 0; i < 100; ++i) {
    feed(splitter, garbage);
    EXPECT_EQ(splitter.next(), std::nullopt);
  }
  EXPECT_GE(splitter.dropped(), 100 * garbage.size() - LineSplitter::kLongest - garbage.size());
  feed(splitter, "\nready\n");
  splitter.next();
  EXPECT_EQ(splitter.next(), "ready");
}

}  // namespace
}  // namespace nicol::transport
