// SPDX-License-Identifier: Apache-2.0
#include "drivers/transport/hub.hpp"

#include <gtest/gtest.h>

namespace nicol::transport {
namespace {

Result<std::unique_ptr<int>> a_bus(int number) { return std::make_unique<int>(number); }

TEST(Hub, MakesABusOnceAndGivesItToEveryDeviceOnIt) {
  Hub hub;
  int made = 0;
  const auto make = [&] { return a_bus(++made); };
  const auto first = hub.shared<int>("elliptec /dev/ttyUSB0", make);
  const auto second = hub.shared<int>("elliptec /dev/ttyUSB0", make);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(made, 1);
}

TEST(Hub, TriesAgainAfterABusThatDidNotOpen) {
  Hub hub;
  const auto fail = [] { return Result<std::unique_ptr<int>>(Error{Code::busy, "held", "", 0, {}}); };
  EXPECT_EQ(hub.shared<int>("bus", fail).error().code, Code::busy);
  EXPECT_EQ(**hub.shared<int>("bus", [] { return a_bus(7); }), 7);
}

}  // namespace
}  // namespace nicol::transport
