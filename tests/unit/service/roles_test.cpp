// SPDX-License-Identifier: Apache-2.0
// Which device may play which role, on which side, and which of them stand in the light.
#include "controller/service/roles.hpp"

#include <gtest/gtest.h>

#include "sim/devices/controls.hpp"
#include "sim/devices/detector.hpp"
#include "sim/devices/motor.hpp"
#include "sim/devices/pump_laser.hpp"
#include "sim/devices/shutter.hpp"
#include "sim/devices/world.hpp"

namespace nicol::service {
namespace {

using session::Protocol;
using session::Side;

class ARole : public testing::Test {
 protected:
  std::unique_ptr<sim::Shutter> shutter() {
    return std::make_unique<sim::Shutter>(sim::ShutterConfig{"shutter-3", sim::CablePulled::closes, Picoseconds{}},
                                          *clock_);
  }
  static std::unique_ptr<sim::Detector> detector() {
    return std::make_unique<sim::Detector>(sim::DetectorConfig{}, [] { return hal::LightLevel::off; });
  }
  static sim::WorldOptions teaching() { return {std::move(sim::load_scenario("teaching")).value(), 1, {}, 0, {}, {}}; }
  std::unique_ptr<RigClock> clock_ = make_virtual_rig_clock();
};

TEST_F(ARole, IsKnownByItsNameAndNumber) {
  for (const char* role : {"tagger", "shutter", "waveplate", "compensator-0", "detector-13", "flip-mirror", "io-1"})
    EXPECT_TRUE(check_role(Side::bob, role).ok()) << role;
  for (const char* role :
       {"", "Tagger", "taggers", "tagger-1", "detector", "detector-", "detector-x", "detector-12345"})
    EXPECT_FALSE(check_role(Side::bob, role).ok()) << role;
}

TEST_F(ARole, BelongsToItsSide) {
  EXPECT_TRUE(check_role(Side::alice, "source").ok());
  EXPECT_FALSE(check_role(Side::bob, "source").ok());
  EXPECT_FALSE(check_role(Side::bob, "oven").ok());
}

TEST_F(ARole, BelongsToWhatTheLinkShares) {
  for (const char* role : {"detector-0", "oven", "pump", "tagger", "shutter"})
    EXPECT_TRUE(check_role(Side::alice, Protocol::bbm92, role).ok()) << role;
  for (const char* role : {"source", "herald-0", "waveplate"})
    EXPECT_FALSE(check_role(Side::alice, Protocol::bbm92, role).ok()) << role;
  for (const char* role : {"detector-0", "oven"})
    EXPECT_FALSE(check_role(Side::alice, Protocol::bb84, role).ok()) << role;
  const auto refused = check_role(Side::alice, Protocol::bbm92, "source");
  EXPECT_NE(refused.error().message.find("where pairs are shared, not \"source\""), std::string::npos)
      << refused.error().message;
}

TEST_F(ARole, NamesThoseThatExistWhenItIsNone) {
  const auto refused = check_role(Side::bob, "shuter");
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("tagger, shutter, waveplate, compensator-0, detector-0"), std::string::npos);
  EXPECT_NE(refused.error().message.find("\"shuter\""), std::string::npos);
}

TEST_F(ARole, IsNotPlayedByADeviceOfAnotherKind) {
  const auto device = shutter();
  EXPECT_TRUE(check_player("shutter", *device).ok());
  EXPECT_TRUE(check_player("flip-mirror", *device).ok());
  const auto refused = check_player("tagger", *device);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::bad_input);
  EXPECT_NE(refused.error().message.find("role=tagger"), std::string::npos);
  EXPECT_NE(refused.error().message.find("shutter-3"), std::string::npos);
}

TEST_F(ARole, OfTheSourceIsNotPlayedByALaserThatPreparesNothing) {
  sim::PumpLaser laser({}, *clock_);
  EXPECT_TRUE(check_player("pump", laser).ok());
  EXPECT_FALSE(check_player("source", laser).ok());
}

TEST_F(ARole, IsPlayedByEverySimulatedDevice) {
  for (const Side side : {Side::alice, Side::bob}) {
    const auto rig = side == Side::alice ? sim::make_alice_rig(teaching()) : sim::make_bob_rig(teaching());
    ASSERT_TRUE(rig.ok());
    for (const auto& entry : (*rig)->entries()) {
      EXPECT_TRUE(check_role(side, entry.role).ok()) << entry.role;
      EXPECT_TRUE(check_player(entry.role, *entry.device).ok()) << entry.role;
    }
    EXPECT_TRUE(check_cast(side, Protocol::bb84, **rig).ok());
  }
}

TEST_F(ARole, ThatNothingWorksWithoutIsMissed) {
  hal::Rig bob;
  EXPECT_NE(describe(check_cast(Side::bob, Protocol::bb84, bob).error()).find("role=tagger"), std::string::npos);
  EXPECT_NE(describe(check_cast(Side::alice, Protocol::bb84, bob).error()).find("role=source"), std::string::npos);
  const auto whole = std::move(sim::make_bob_rig(teaching())).value();
  whole->compensator.push_back({"compensator-0", 0.25, Nanometres{810}, {}, {}});
  EXPECT_NE(describe(check_cast(Side::bob, Protocol::bb84, *whole).error()).find("role=compensator-0"),
            std::string::npos);
}

class APairLink : public ARole {
 protected:
  static sim::WorldOptions entangled() {
    return {std::move(sim::load_scenario("entangled")).value(), 1, {}, 0, {}, {}};
  }
  static std::string why_not(Side side, const hal::Rig& rig) {
    const auto whole = check_cast(side, Protocol::bbm92, rig);
    return whole ? std::string() : describe(whole.error());
  }
};

TEST_F(APairLink, IsWholeWithThePumpAtAliceOrAtAThirdPlace) {
  sim::WorldOptions world = entangled();
  for (const char* pump : {"", "/nonexistent/pump.sock"}) {
    world.pump = pump;
    const auto rig = sim::make_alice_rig(world);
    ASSERT_TRUE(rig.ok());
    EXPECT_EQ(why_not(Side::alice, **rig), "") << pump;
    for (const auto& entry : (*rig)->entries())
      EXPECT_TRUE(check_role(Side::alice, Protocol::bbm92, entry.role).ok()) << entry.role;
  }
  const auto bob = sim::make_bob_rig(entangled());
  ASSERT_TRUE(bob.ok());
  EXPECT_EQ(why_not(Side::bob, **bob), "");
}

TEST_F(APairLink, NeedsATaggerOnBothSides) {
  hal::Rig rig;
  rig.receiver = hal::ReceiverKind::passive;
  for (const Side side : {Side::alice, Side::bob}) EXPECT_NE(why_not(side, rig).find("role=tagger"), std::string::npos);
}

TEST_F(APairLink, NeedsReceiversThatChooseTheirBasisByThemselves) {
  const auto rig = std::move(sim::make_bob_rig(entangled())).value();
  rig->receiver = hal::ReceiverKind::active;
  EXPECT_NE(why_not(Side::bob, *rig).find("passive receiver"), std::string::npos);
}

TEST_F(APairLink, NeedsAChannelForEachDetector) {
  const auto rig = std::move(sim::make_bob_rig(entangled())).value();
  rig->timing.channels.back().channel = 40;
  EXPECT_NE(why_not(Side::bob, *rig).find("4 detectors need 41"), std::string::npos) << why_not(Side::bob, *rig);
}

TEST_F(APairLink, KnowsNoDetectorThatItsReceiverHasNot) {
  const auto rig = std::move(sim::make_alice_rig(entangled())).value();
  rig->add("spare", "detector-4", detector());
  EXPECT_NE(why_not(Side::alice, *rig).find("role=detector-4: this receiver has 4 detectors"), std::string::npos);
}

TEST_F(APairLink, HeatsNoCrystalThatNobodyPumps) {
  sim::WorldOptions world = entangled();
  world.pump = "/nonexistent/pump.sock";
  const auto rig = std::move(sim::make_alice_rig(world)).value();
  rig->add("oven", "oven", std::make_unique<sim::TemperatureController>(sim::TemperatureConfig{}, *rig->clock));
  EXPECT_NE(why_not(Side::alice, *rig).find("role=oven: expected a device with role=pump"), std::string::npos);
}

TEST_F(ARole, DecidesWhatStandsInTheLight) {
  hal::Rig bob;
  bob.receiver = hal::ReceiverKind::passive;
  bob.add("a", "shutter", shutter());
  bob.add("b", "flip-mirror", shutter());
  bob.add("c", "detector-0", detector());
  const auto& entries = bob.entries();
  EXPECT_TRUE(opens_for_light(entries[0]));
  EXPECT_FALSE(opens_for_light(entries[1]));
  EXPECT_TRUE(counts_light(bob, entries[2]));
  hal::Rig alice;
  alice.add("d", "herald-0", detector());
  EXPECT_FALSE(counts_light(alice, alice.entries()[0]));
}

}  // namespace
}  // namespace nicol::service
