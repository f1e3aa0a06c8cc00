// SPDX-License-Identifier: Apache-2.0
// The order in which a rig goes dark.
#include "drivers/hal/rig.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nicol::hal {
namespace {

using Log = std::vector<std::string>;

/// The parts of a device that no test here cares about.
template <class Kind>
class Logged : public Kind {
 public:
  Logged(std::string name, Log& log) : name_(std::move(name)), log_(&log) {}
  DeviceInfo info() const override { return {}; }
  Link link() const noexcept override { return Link::connected; }
  Result<std::vector<SelfTestItem>> self_test(Deadline) override { return std::vector<SelfTestItem>{}; }
  void safe_state() noexcept override { say("safe"); }

 protected:
  void say(const std::string& what) { log_->push_back(name_ + " " + what); }

 private:
  std::string name_;
  Log* log_;
};

class StubShutter final : public Logged<Shutter> {
 public:
  using Logged::Logged;
  bool self_closing() const noexcept override { return false; }
  Result<void> open() override { return {}; }
  void close() noexcept override { say("closes"); }
  Result<ShutterState> state() override { return ShutterState::unknown; }
};

class StubSource final : public Logged<PhotonSource> {
 public:
  using Logged::Logged;
  SourceCaps caps() const override { return {}; }
  Result<InterlockState> interlock() override { return InterlockState::absent; }
  Result<void> arm(ArmToken) override { return {}; }
  Result<void> enable_emission() override { return {}; }
  void disable_emission() noexcept override { say("dark"); }
  Result<EmissionState> emission() override { return EmissionState::unknown; }
  Result<void> set_light_level(LightLevel) override { return {}; }
  LightLevel light_level() const noexcept override { return LightLevel::off; }
};

class StubDetector final : public Logged<Detector> {
 public:
  using Logged::Logged;
  DetectorInfo detector() const override { return {}; }
  Result<void> enable() override { return {}; }
  void disable() noexcept override { say("off"); }
  bool enabled() const noexcept override { return false; }
  Result<void> set_bias(Volts) override { return {}; }
  Result<Celsius> temperature() override { return Celsius{}; }
  Result<Hertz> rate() override { return Hertz{}; }
};

class DarkRig : public testing::Test {
 protected:
  DarkRig() {
    rig_.add("d", "detector", std::make_unique<StubDetector>("detector", log_));
    rig_.add("s", "source", std::make_unique<StubSource>("source", log_));
    rig_.add("a", "shutter", std::make_unique<StubShutter>("shutter a", log_));
    rig_.add("b", "shutter", std::make_unique<StubShutter>("shutter b", log_));
  }
  Log log_;
  Rig rig_;
};

TEST_F(DarkRig, ClosesShuttersFirstThenEmissionThenDetectorsThenEverything) {
  rig_.safe_state();
  EXPECT_EQ(log_, (Log{"shutter a closes", "shutter b closes", "source dark", "detector off", "detector safe",
                       "source safe", "shutter a safe", "shutter b safe"}));
}

TEST_F(DarkRig, MayBeAskedAgain) {
  rig_.safe_state();
  const Log once = log_;
  log_.clear();
  rig_.safe_state();
  EXPECT_EQ(log_, once);
}

TEST_F(DarkRig, FindsADeviceByRoleAndKind) {
  EXPECT_NE(rig_.find<PhotonSource>("source"), nullptr);
  EXPECT_EQ(rig_.find<Detector>("source"), nullptr);
  EXPECT_EQ(rig_.find<Shutter>("shutter"), rig_.entries()[2].device.get());
  EXPECT_EQ(rig_.find<Shutter>("tagger"), nullptr);
}

}  // namespace
}  // namespace nicol::hal
