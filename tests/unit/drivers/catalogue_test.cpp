// SPDX-License-Identifier: Apache-2.0
// The list of drivers, and the udev rules that go with it.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "drivers/catalogue/register_all.hpp"
#include "drivers/catalogue/usb_ids.hpp"

namespace nicol {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(UdevRules, AreThoseBesideTheDrivers) {
  EXPECT_EQ(text_of(std::string(NICOL_SOURCE_DIR) + "/drivers/60-nicol.rules"), udev_rules());
}

TEST(UdevRules, NameEveryIdentityOnce) {
  std::set<std::tuple<std::uint16_t, std::uint16_t, DeviceNode>> seen;
  for (const UsbId& id : usb_ids()) EXPECT_TRUE(seen.insert({id.vendor_id, id.product_id, id.node}).second) << id.what;
}

TEST(RegisterAll, TakesEveryDriverOnce) {
  transport::Hub hub;
  hal::Registry registry;
  ASSERT_TRUE(register_all(registry, hub, nullptr).ok());
  EXPECT_FALSE(registry.drivers().empty());
}

TEST(RegisterAll, GivesEveryDriverAWayToLookAndToMake) {
  transport::Hub hub;
  hal::Registry registry;
  ASSERT_TRUE(register_all(registry, hub, nullptr).ok());
  for (const hal::Driver& driver : registry.drivers()) {
    EXPECT_TRUE(driver.find) << driver.name;
    EXPECT_TRUE(driver.make) << driver.name;
    EXPECT_FALSE(driver.kinds.empty()) << driver.name;
  }
}

TEST(RegisterAll, HasADriverForEveryIdentityOfTheRules) {
  transport::Hub hub;
  hal::Registry registry;
  ASSERT_TRUE(register_all(registry, hub, nullptr).ok());
  for (const UsbId& id : usb_ids())
    EXPECT_TRUE(std::any_of(registry.drivers().begin(), registry.drivers().end(), [&](const hal::Driver& d) {
      return d.name == id.driver;
    })) << id.driver;
}

TEST(RegisterAll, RefusesADeviceThatIsNotThere) {
  transport::Hub hub;
  hal::Registry registry;
  ASSERT_TRUE(register_all(registry, hub, nullptr).ok());
  for (const hal::Driver& driver : registry.drivers()) {
    const auto made = registry.make({{"driver", driver.name}, {"serial", "nobody"}, {"port", "/dev/ttyNOBODY"}});
    ASSERT_FALSE(made.ok()) << driver.name;
    EXPECT_FALSE(made.error().message.empty()) << driver.name;
  }
}

}  // namespace
}  // namespace nicol
