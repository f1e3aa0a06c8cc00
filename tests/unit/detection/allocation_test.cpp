// SPDX-License-Identifier: Apache-2.0
// Nothing in the click path allocates per click: every operator new of this thread is counted.
#include <gtest/gtest.h>

#include "tests/support/allocation_counter.hpp"
#include "tests/unit/detection/hand_made.hpp"

namespace nicol::detection::test {
namespace {

TEST(TheClickPath, AllocatesNothing) {
  Stream s;
  s.slots = 200'000;
  s.timing.channels[2].delay = {16'000};
  s.marks();
  for (std::uint64_t k = 0; k < s.slots; k += 3) {
    s.click(k, static_cast<std::uint16_t>(k % 4));
    if (k % 15 == 0) s.click(k, 2, 50);
  }
  const auto random = make_seeded_random(1, NodeId::bob);
  DetectorOptions o = options(s);
  o.capacity = 100'000;
  SlotDetector d(s.timing, s.tick, o, *random);
  std::uint64_t at_start = 0;
  s.blocks(1'000, [&](const hal::TagBlock& b) {
    if (at_start == 0) at_start = nicol::test::allocations();
    if (!d.process(b).ok()) std::abort();
  });
  EXPECT_EQ(nicol::test::allocations(), at_start);
  EXPECT_EQ(d.finish().clicks.slots.size(), 66'667U);
}

TEST(TheCounter, CountsAllocations) {
  const std::uint64_t before = nicol::test::allocations();
  const auto p = std::make_unique<std::vector<int>>(10);
  EXPECT_GT(nicol::test::allocations(), before);
}

}  // namespace
}  // namespace nicol::detection::test
