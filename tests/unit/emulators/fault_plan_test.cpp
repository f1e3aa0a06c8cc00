// SPDX-License-Identifier: Apache-2.0
// Faults hit exactly the byte they were planned for, and nothing else.
#include <gtest/gtest.h>

#include <string>

#include "sim/emulators/emulator.hpp"
#include "sim/emulators/fault_plan.hpp"

namespace nicol::sim {
namespace {

constexpr Picoseconds kStart{1'000'000};

FaultyLine line_with(Fault fault) { return FaultyLine({fault}, FaultSide::from_device); }

void put(FaultyLine& line, const std::string& text, Picoseconds now = kStart) {
  line.put(std::vector<std::uint8_t>(text.begin(), text.end()), now);
}

std::string pass(FaultyLine& line, Picoseconds now = kStart) {
  std::vector<std::uint8_t> out;
  line.pass(out, now);
  return {out.begin(), out.end()};
}

Fault fault(FaultKind kind, std::uint64_t at, std::uint64_t count = 1) {
  return {kind, FaultSide::from_device, at, count, {}, 0x40};
}

TEST(FaultyLine, WithoutAPlanPassesEveryByte) {
  FaultyLine line({}, FaultSide::to_device);
  put(line, "hello");
  EXPECT_EQ(pass(line), "hello");
  EXPECT_EQ(line.seen(), 5U);
  EXPECT_EQ(line.next_due(), kNever);
}

TEST(FaultyLine, DropsExactlyThePlannedBytes) {
  FaultyLine line = line_with(fault(FaultKind::drop, 1, 2));
  put(line, "abcdef");
  EXPECT_EQ(pass(line), "adef");
}

TEST(FaultyLine, CountsOverSeveralWrites) {
  FaultyLine line = line_with(fault(FaultKind::drop, 4));
  put(line, "abc");
  put(line, "def");
  EXPECT_EQ(pass(line), "abcdf");
}

TEST(FaultyLine, SaysADuplicatedByteTwice) {
  FaultyLine line = line_with(fault(FaultKind::duplicate, 0));
  put(line, "ab");
  EXPECT_EQ(pass(line), "aab");
}

TEST(FaultyLine, CorruptsWithTheMask) {
  FaultyLine line = line_with({FaultKind::corrupt, FaultSide::from_device, 1, 1, {}, 0x20});
  put(line, "abc");
  EXPECT_EQ(pass(line), "aBc");
}

TEST(FaultyLine, GarbageIsNeverTheByteItself) {
  FaultyLine line = line_with(fault(FaultKind::garbage, 0, 4096));
  const std::string clean(4096, 'x');
  put(line, clean);
  const std::string noisy = pass(line);
  ASSERT_EQ(noisy.size(), clean.size());
  EXPECT_EQ(noisy.find('x'), std::string::npos);
}

TEST(FaultyLine, GarbageIsTheSameInEveryRun) {
  FaultyLine one = line_with(fault(FaultKind::garbage, 0, 64)), other = line_with(fault(FaultKind::garbage, 0, 64));
  put(one, std::string(64, 'x'));
  put(other, std::string(64, 'x'));
  EXPECT_EQ(pass(one), pass(other));
}

TEST(FaultyLine, ALateByteHoldsUpThoseBehindIt) {
  const Picoseconds delay{500};
  FaultyLine line = line_with({FaultKind::late, FaultSide::from_device, 1, 1, delay, 0});
  put(line, "abc");
  EXPECT_EQ(pass(line), "a");
  EXPECT_EQ(line.next_due(), kStart + delay);
  EXPECT_EQ(pass(line, kStart + delay - Picoseconds{1}), "");
  EXPECT_EQ(pass(line, kStart + delay), "bc");
}

TEST(FaultyLine, StalledStaysSilent) {
  FaultyLine line = line_with(fault(FaultKind::stall, 2));
  put(line, "abcd");
  put(line, "efgh");
  EXPECT_EQ(pass(line), "ab");
  EXPECT_EQ(line.seen(), 8U);
}

TEST(FaultyLine, UnplugsAfterTheBytesBefore) {
  FaultyLine line = line_with(fault(FaultKind::unplug, 2));
  put(line, "abcd");
  EXPECT_FALSE(line.unplug_now());
  EXPECT_EQ(pass(line), "ab");
  EXPECT_TRUE(line.unplug_now());
  EXPECT_EQ(pass(line), "");
}

TEST(FaultyLine, CutAndPluggedInAgainItCountsOn) {
  FaultyLine line = line_with(fault(FaultKind::unplug, 1));
  put(line, "abc");
  pass(line);
  line.cut();
  EXPECT_FALSE(line.unplug_now());
  put(line, "def");
  EXPECT_EQ(pass(line), "def");
}

TEST(FaultyLine, LeavesTheOtherSideAlone) {
  FaultyLine line({fault(FaultKind::drop, 0, 100)}, FaultSide::to_device);
  put(line, "abc");
  EXPECT_EQ(pass(line), "abc");
}

TEST(FaultPlan, FindsTheFirstFaultThatCoversAnIndex) {
  const FaultPlan plan{fault(FaultKind::drop, 5, 2), fault(FaultKind::late, 6, 3)};
  EXPECT_EQ(fault_at(plan, FaultSide::from_device, 4), nullptr);
  EXPECT_EQ(fault_at(plan, FaultSide::from_device, 6), &plan[0]);
  EXPECT_EQ(fault_at(plan, FaultSide::from_device, 8), &plan[1]);
  EXPECT_EQ(fault_at(plan, FaultSide::from_device, 9), nullptr);
}

}  // namespace
}  // namespace nicol::sim
