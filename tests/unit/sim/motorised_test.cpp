// SPDX-License-Identifier: Apache-2.0
// Waveplates in motors on both sides, one pulse a setting, in lock step.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "sim/devices/four_state_source.hpp"
#include "sim/devices/motor.hpp"
#include "sim/devices/receiver_tagger.hpp"
#include "tests/unit/sim/bench_link.hpp"

namespace nicol::sim {
namespace {

constexpr std::chrono::seconds kPatience{10};

/// Every setting has its herald and its photon; nothing is lost.
Scenario certain_photons() {
  Scenario s = load_scenario("motorised").value();
  s.source.pair_probability = s.source.herald_efficiency = 1;
  s.source.mean_photon_number.fill(1);
  s.source.g2.fill(0);
  s.channel.loss_db = 0;
  s.source.herald_dark_hz = 0;
  s.source.motor.wedge = s.receiver.motor.wedge = 0;
  for (DetectorModel& d : s.receiver.detectors) {
    d.efficiency = 1;
    d.dark_hz = 0;
  }
  return s;
}

class MotorisedLink {
 public:
  explicit MotorisedLink(const Scenario& s) : link_(s, {}) {
    for (hal::Rig* rig : {&link_.alice(), &link_.bob()}) {
      auto homed = rig->find<hal::RotationStage>("waveplate")->home(hal::HomeDirection::positive);
      EXPECT_TRUE(homed.ok() && homed->wait(SteadyDeadlines().in(kPatience)).ok());
    }
    EXPECT_TRUE(tagger().start().ok());
    EXPECT_TRUE(heralds().start().ok());
  }
  hal::PulsedSource& source() { return *link_.alice().find<hal::PulsedSource>("source"); }
  hal::TimeTagger& tagger() { return *link_.bob().find<hal::TimeTagger>("tagger"); }
  hal::TimeTagger& heralds() { return *link_.alice().find<hal::TimeTagger>("tagger"); }

  static void turn(hal::Rig& rig, double polarisation_deg) {
    hal::Waveplate plate(*rig.find<hal::RotationStage>("waveplate"), 0.5, {810}, Angle());
    EXPECT_TRUE(plate.set_fast_axis(Angle::degrees(polarisation_deg / 2), SteadyDeadlines().in(kPatience)).ok());
  }

  /// One setting on each side; the detectors that clicked, as a mask.
  unsigned setting(double alice_deg, double bob_deg) {
    turn(link_.alice(), alice_deg);
    turn(link_.bob(), bob_deg);
    EXPECT_TRUE(source().fire(1).ok());
    return clicks(tagger());
  }
  unsigned clicks(hal::TimeTagger& from) {
    std::array<hal::TimeTag, 64> room;
    std::array<hal::LossInterval, 4> losses;
    hal::TagBlock block;
    block.storage = room;
    block.loss_storage = losses;
    unsigned mask = 0;
    // The light of one fire() is one batch and comes in one piece.
    EXPECT_EQ(from.acquire(block, SteadyDeadlines().in(kPatience)), hal::StreamStatus::ok);
    for (const hal::TimeTag& tag : block.tags()) mask |= 1U << tag.channel;
    return mask & 3U;
  }
  test::BenchLink& bench() { return link_; }

 private:
  test::BenchLink link_;
};

TEST(MotorisedLink, CarriesEachBitInBothBases) {
  MotorisedLink link(certain_photons());
  ASSERT_TRUE(link.source().begin_block(200).ok());
  int errors = 0, clicks = 0;
  for (int i = 0; i < 40; ++i)
    for (const double degrees : {0.0, 90.0, 45.0, 135.0}) {
      const bool bit = degrees < 90 && degrees != 90;
      const double analyser = degrees == 0 || degrees == 90 ? 0 : 45;
      const unsigned seen = link.setting(degrees, analyser);
      clicks += seen != 0;
      errors += seen != 0 && seen != (bit ? 2U : 1U);
    }
  EXPECT_GE(clicks, 158);  // the gate's edge takes none of them; jitter is no loss
  EXPECT_LE(errors, 4);    // extinction of 25 dB and a play of 0.05 deg
}

TEST(MotorisedLink, SwapsItsDetectorsAtTheSwappedAnalyser) {
  MotorisedLink link(certain_photons());
  ASSERT_TRUE(link.source().begin_block(100).ok());
  int swapped = 0;
  for (int i = 0; i < 40; ++i) swapped += link.setting(0, 90) == 1U;
  EXPECT_GE(swapped, 37);
}

TEST(MotorisedLink, SplitsMismatchedBasesEvenly) {
  MotorisedLink link(certain_photons());
  ASSERT_TRUE(link.source().begin_block(400).ok());
  int ones = 0;
  for (int i = 0; i < 400; ++i) ones += link.setting(0, 45) == 2U;
  EXPECT_LT(std::abs(test::sigmas(ones, 400, 0.5)), 4.5);
}

TEST(MotorisedLink, SuffersFromAnUnknownOffsetByMalus) {
  Scenario s = certain_photons();
  s.source.motor.offset_deg = 10;  // 20 degrees of polarisation
  MotorisedLink link(s);
  ASSERT_TRUE(link.source().begin_block(600).ok());
  int errors = 0;
  for (int i = 0; i < 600; ++i) errors += link.setting(0, 0) == 1U;
  const double p = std::pow(std::sin(20 * std::numbers::pi / 180), 2);
  EXPECT_LT(std::abs(test::sigmas(errors, 600, p)), 4.5);
}

TEST(MotorisedSource, KeepsTheFixedPeriodWhateverTheMovesTake) {
  MotorisedLink link(certain_photons());
  ASSERT_TRUE(link.source().begin_block(8).ok());
  std::vector<std::int64_t> ends;
  for (const double degrees : {0.0, 90.0, 45.0, 45.0, 135.0}) {
    link.setting(degrees, 0);
    ends.push_back(link.bench().alice().clock->now().count);
  }
  for (std::size_t i = 1; i < ends.size(); ++i) EXPECT_EQ(ends[i] - ends[i - 1], 500'000'000'000);
}

TEST(MotorisedSource, LetsASlotGoByWhenItsWaveplateIsLate) {
  Scenario s = certain_photons();
  s.source.motor.speed_dps = 60;
  s.source.motor.backlash_deg = 0;  // whose take-up would make the next slot late as well
  MotorisedLink link(s);
  ASSERT_TRUE(link.source().begin_block(8).ok());
  link.setting(0, 0);
  MotorisedLink::turn(link.bench().alice(), 90);  // 45 degrees at 60 a second: longer than half a second
  EXPECT_EQ(link.source().fire(1).error().code, Code::timeout);
  EXPECT_EQ(link.clicks(link.tagger()), 0u);
  EXPECT_NE(link.setting(90, 0), 0u);
}

TEST(MotorisedSource, HeraldsOnlyItsShareOfTheSettings) {
  Scenario s = certain_photons();
  s.source.herald_efficiency = 0.3;
  MotorisedLink link(s);
  ASSERT_TRUE(link.source().begin_block(400).ok());
  int heralds = 0;
  for (int i = 0; i < 400; ++i) {
    link.setting(0, 0);
    heralds += static_cast<int>(link.clicks(link.heralds()) & 1U);
  }
  EXPECT_LT(std::abs(test::sigmas(heralds, 400, 0.3)), 4.5);
}

TEST(MotorisedSource, FiresOncePerSettingAndTakesNoPattern) {
  MotorisedLink link(certain_photons());
  ASSERT_TRUE(link.source().begin_block(1).ok());
  EXPECT_EQ(link.source().fire(2).error().code, Code::out_of_range);
  const std::uint64_t word = 0;
  EXPECT_EQ(link.source().emit({0, 1, {&word, 1}, {&word, 1}, {}, {}}).error().code, Code::not_supported);
  EXPECT_TRUE(link.source().fire(1).ok());
  EXPECT_EQ(link.source().fire(1).error().code, Code::out_of_range);
}

}  // namespace
}  // namespace nicol::sim
