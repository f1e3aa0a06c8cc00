// SPDX-License-Identifier: Apache-2.0
#include "drivers/transport/wire_log.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace nicol::transport {
namespace {

std::string logged(std::string_view text) {
  WireLog log;
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  log.bytes("bus", Direction::to_device, bytes);
  return log.since(0, 1).at(0).text;
}

TEST(WireLog, ShowsTextAsTextWithItsLineEnds) { EXPECT_EQ(logged("*IDN?\r\n"), "*IDN?\\r\\n"); }

TEST(WireLog, ShowsOtherBytesAsHex) { EXPECT_EQ(logged(std::string_view("\x01\xfe\x41", 3)), "01 fe 41"); }

TEST(WireLog, CutsALongMessageAndTellsItsLength) {
  EXPECT_EQ(logged(std::string(1000, 'x')), std::string(64, 'x') + " … (1000 bytes)");
}

TEST(WireLog, TellsOnlyTheLengthOfWhatIsPrivate) {
  WireLog log;
  log.size("bus", Direction::from_device, "tags", 512);
  EXPECT_EQ(log.since(0, 1).at(0).text, "tags (512 bytes)");
}

TEST(WireLog, DropsTheOldestLinesAndNumbersOn) {
  WireLog log(3);
  for (int i = 1; i <= 5; ++i) log.note("bus", std::to_string(i));
  const auto lines = log.since(0, 10);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines.front().text, "3");
  EXPECT_EQ(lines.front().sequence, 3u);
}

TEST(WireLog, GivesWhatCameAfterANumberUpToALimit) {
  WireLog log;
  for (int i = 1; i <= 5; ++i) log.note("bus", std::to_string(i));
  const auto lines = log.since(2, 2);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].text, "3");
  EXPECT_EQ(lines[1].text, "4");
  EXPECT_TRUE(log.since(5, 10).empty());
}

TEST(WireLog, TakesLinesFromManyThreadsWithoutLosingANumber) {
  WireLog log;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) log.note("bus", "x");
    });
  for (auto& thread : threads) thread.join();
  const auto lines = log.since(0, 1000);
  ASSERT_EQ(lines.size(), 800u);
  for (std::size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(lines[i].sequence, i + 1);
}

}  // namespace
}  // namespace nicol::transport
