// SPDX-License-Identifier: Apache-2.0
// A device that comes back with other settings gets its own again before light goes on.
#include "controller/service/rig_settings.hpp"

#include <gtest/gtest.h>

#include "tests/unit/service/stub_detector.hpp"

namespace nicol::service {
namespace {

class Settings : public testing::Test {
 protected:
  Settings() {
    auto device = std::make_unique<test::StubDetector>();
    device_ = device.get();
    rig_.add("eye", "detector-0", std::move(device));
    EXPECT_TRUE(device_->set_bias({17}).ok());
    EXPECT_TRUE(settings_.hold(rig_).ok());
    device_->writes = 0;
  }
  void pull_and_put_back() {
    device_->unplug();
    device_->replug();
    ASSERT_EQ(device_->bias(), 1.0);
  }
  hal::Rig rig_;
  test::StubDetector* device_;
  RigSettings settings_;
};

TEST_F(Settings, ComeBackAfterACableWasOut) {
  pull_and_put_back();
  ASSERT_TRUE(settings_.hold(rig_).ok());
  EXPECT_EQ(device_->bias(), 17.0);
}

TEST_F(Settings, ThatStandAreLeftAlone) {
  ASSERT_TRUE(settings_.hold(rig_).ok());
  EXPECT_EQ(device_->writes, 0);
}

TEST_F(Settings, ThatADeviceDoesNotTakeAreNamed) {
  pull_and_put_back();
  device_->stubborn = true;
  const auto held = settings_.hold(rig_);
  ASSERT_FALSE(held.ok());
  EXPECT_EQ(held.error().code, Code::hardware_fault);
  EXPECT_NE(held.error().message.find("eye does not keep its bias: 17 was set, it says 1"), std::string::npos)
      << held.error().message;
}

TEST_F(Settings, AreNotThoughtToStandWhileTheCableIsOut) {
  device_->unplug();
  const auto held = settings_.hold(rig_);
  ASSERT_FALSE(held.ok());
  EXPECT_EQ(held.error().code, Code::disconnected);
}

TEST_F(Settings, OfADeviceThatWasSilentAtFirstAreLearntWhenItSpeaks) {
  RigSettings late;
  device_->unplug();
  EXPECT_FALSE(late.hold(rig_).ok());
  device_->replug();
  EXPECT_TRUE(late.hold(rig_).ok());
  EXPECT_EQ(device_->bias(), 1.0) << "nothing else was ever known";
}

}  // namespace
}  // namespace nicol::service
