// SPDX-License-Identifier: Apache-2.0
// Arming takes as long as it takes, and nobody waits for it.
#include "controller/service/arming.hpp"

#include <gtest/gtest.h>

#include <future>

#include "sim/devices/simulated.hpp"

namespace nicol::service {
namespace {

/// Armed when the test says so.
class SlowSource final : public sim::Simulated<hal::PhotonSource> {
 public:
  SlowSource() : Simulated("slow", "source-1") {}
  hal::SourceCaps caps() const override { return {}; }
  Result<hal::InterlockState> interlock() override { return hal::InterlockState::closed; }
  Result<void> arm(hal::ArmToken) override { return warm.get_future().get(); }
  Result<void> enable_emission() override { return {}; }
  void disable_emission() noexcept override {}
  Result<hal::EmissionState> emission() override { return hal::EmissionState::off; }
  Result<void> set_light_level(hal::LightLevel) override { return {}; }
  hal::LightLevel light_level() const noexcept override { return hal::LightLevel::off; }
  void safe_state() noexcept override {}
  std::promise<Result<void>> warm;
};

class ArmedSource : public testing::Test {
 protected:
  SlowSource source_;
  std::promise<void> told_;
  Arming arming_{source_, [this] { told_.set_value(); }};
};

TEST_F(ArmedSource, IsWaitedForByNobody) {
  EXPECT_FALSE(arming_.take_answer());
  source_.warm.set_value({});
  told_.get_future().wait();
  const auto answer = arming_.take_answer();
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->ok());
  EXPECT_FALSE(arming_.take_answer());
}

TEST_F(ArmedSource, SaysWhyItIsNot) {
  source_.warm.set_value(Error{Code::interlock, "the lid is open", "", 0, {}});
  told_.get_future().wait();
  const auto answer = arming_.take_answer();
  ASSERT_TRUE(answer && !answer->ok());
  EXPECT_EQ(answer->error().code, Code::interlock);
}

}  // namespace
}  // namespace nicol::service
