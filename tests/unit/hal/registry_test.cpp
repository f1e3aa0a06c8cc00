// SPDX-License-Identifier: Apache-2.0
// Drivers by name, arguments as people write them, and no exception past the registry.
#include "drivers/hal/registry.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace nicol::hal {
namespace {

Result<std::unique_ptr<Device>> refuse(const DeviceArgs&) { return Error{Code::not_found, "no such port"}; }
Result<std::unique_ptr<Device>> explode(const DeviceArgs&) { throw std::runtime_error("bad wiring"); }
Result<std::unique_ptr<Device>> forget(const DeviceArgs&) { return std::unique_ptr<Device>{}; }
Result<std::vector<DeviceArgs>> find_two(const DeviceArgs&, Deadline) {
  return std::vector<DeviceArgs>{{{"serial", "1"}}, {{"serial", "2"}}};
}
Result<std::vector<DeviceArgs>> find_explodes(const DeviceArgs&, Deadline) { throw std::runtime_error("bus hung"); }

TEST(DeviceArguments, AreKeyValuePairs) {
  const auto args = parse_device_args("driver=elliptec, serial=11400517,port=");
  ASSERT_TRUE(args);
  EXPECT_EQ(*args, (DeviceArgs{{"driver", "elliptec"}, {"serial", "11400517"}, {"port", ""}}));
}

TEST(DeviceArguments, KeepAnEqualsSignInTheValue) {
  const auto args = parse_device_args("path=/dev/a=b");
  ASSERT_TRUE(args);
  EXPECT_EQ(args->at("path"), "/dev/a=b");
}

TEST(DeviceArguments, MayBeNone) {
  const auto args = parse_device_args(" ");
  ASSERT_TRUE(args);
  EXPECT_TRUE(args->empty());
}

TEST(DeviceArguments, AreRefusedWhenBroken) {
  for (const auto* text : {"driver", "=x", "driver=a,,serial=1", "driver=a,", "a=1,a=2"}) {
    const auto args = parse_device_args(text);
    ASSERT_FALSE(args) << text;
    EXPECT_EQ(args.error().code, Code::bad_input);
  }
}

TEST(Registry, RefusesANameTwice) {
  Registry registry;
  EXPECT_TRUE(registry.add({"a", {DeviceKind::shutter}, nullptr, refuse}));
  EXPECT_EQ(registry.add({"a", {DeviceKind::counter}, nullptr, refuse}).error().code, Code::refused);
  EXPECT_EQ(registry.drivers().size(), 1u);
}

TEST(Registry, RefusesADriverThatCanMakeNothing) {
  EXPECT_EQ(Registry{}.add({"a", {DeviceKind::shutter}, nullptr, nullptr}).error().code, Code::bad_input);
}

TEST(Registry, TurnsAnExceptionOfMakeIntoAnError) {
  Registry registry;
  ASSERT_TRUE(registry.add({"a", {DeviceKind::shutter}, nullptr, explode}));
  const auto made = registry.make({{"driver", "a"}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::internal);
  EXPECT_NE(made.error().message.find("bad wiring"), std::string::npos);
}

TEST(Registry, PassesOnAnErrorOfMake) {
  Registry registry;
  ASSERT_TRUE(registry.add({"a", {DeviceKind::shutter}, nullptr, refuse}));
  EXPECT_EQ(registry.make({{"driver", "a"}}).error().code, Code::not_found);
}

TEST(Registry, DoesNotHandOutNothing) {
  Registry registry;
  ASSERT_TRUE(registry.add({"a", {DeviceKind::shutter}, nullptr, forget}));
  EXPECT_EQ(registry.make({{"driver", "a"}}).error().code, Code::internal);
}

TEST(Registry, SaysWhenADriverIsUnknownOrUnnamed) {
  EXPECT_EQ(Registry{}.make({{"driver", "a"}}).error().code, Code::not_found);
  EXPECT_EQ(Registry{}.make({}).error().code, Code::bad_input);
  EXPECT_EQ(Registry{}.find({{"driver", "a"}}, {}).error().code, Code::not_found);
}

TEST(Registry, NamesTheDriverOfWhatItFinds) {
  Registry registry;
  ASSERT_TRUE(registry.add({"a", {DeviceKind::shutter}, find_two, refuse}));
  const auto found = registry.find({}, {});
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, (std::vector<DeviceArgs>{{{"driver", "a"}, {"serial", "1"}}, {{"driver", "a"}, {"serial", "2"}}}));
}

TEST(Registry, ListsABrokenDriverBesideTheOthers) {
  Registry registry;
  ASSERT_TRUE(registry.add({"bad", {DeviceKind::shutter}, find_explodes, refuse}));
  ASSERT_TRUE(registry.add({"good", {DeviceKind::shutter}, find_two, refuse}));
  const auto found = registry.find({}, {});
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 3u);
  EXPECT_NE(found->front().at("error").find("bus hung"), std::string::npos);
}

}  // namespace
}  // namespace nicol::hal
