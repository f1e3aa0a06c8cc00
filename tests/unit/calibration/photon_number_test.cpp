// SPDX-License-Identifier: Apache-2.0
// Photon numbers of simulated light, told to the receiver's rig.
#include "controller/calibration/photon_number.hpp"

#include <gtest/gtest.h>

#include "sim/devices/simulated.hpp"
#include "sim/optics/photon_number.hpp"
#include "tests/unit/calibration/drawn_rig.hpp"
#include "tests/unit/calibration/found.hpp"

namespace nicol::calibration {
namespace {

/// Three decibels, detectors of 0.6, gates that miss a few photons, dead times.
constexpr double kAtLeast = 0.28;

Report run(test::DrawnRig& rig, double transmission) {
  BenchOptions options;
  options.transmission_at_least = transmission;
  Bench bench(rig.bob(), rig.alice(), {}, options);
  return perform(photon_number(), bench);
}

double truth(const sim::Scenario& s) {
  return sim::PhotonNumber::make(s.source.mean_photon_number[0], s.source.g2[0])->at_least_two();
}

void expect_near(const test::DrawnRig& rig, const Report& report) {
  const auto& source = rig.scenario().source;
  const Fitted& g2 = test::found(report, "g2");
  EXPECT_NEAR(g2.value, source.g2[0], 4.5 * g2.error + 1e-3);  // accidentals are in it
  EXPECT_GT(test::found(report, "g2.upper").value, source.g2[0]);
  for (const char* basis : {"rectilinear", "diagonal"})
    EXPECT_GT(test::found(report, std::string("p_multi.") + basis + ".upper").value, truth(rig.scenario())) << basis;
  for (const char* state : {"V", "H", "minus", "plus"})
    EXPECT_GT(test::found(report, std::string("mean_photon_number.") + state + ".upper").value,
              source.mean_photon_number[0]);
}

TEST(PhotonNumber, OfHeraldedLightCountsInHeraldedSlots) {
  test::DrawnRig rig({31, 0, 0, {}});
  const Report report = run(rig, kAtLeast);
  ASSERT_EQ(report.status, Status::passed) << report.reason;
  expect_near(rig, report);
  ASSERT_TRUE(apply(report.result, rig.bob()).ok());
  EXPECT_EQ(rig.bob().model.source_provenance, hal::Provenance::measured);
  EXPECT_GT(rig.bob().model.p_multi, truth(rig.scenario()));
  EXPECT_LT(rig.bob().model.p_multi, 2 * truth(rig.scenario()));
}

TEST(PhotonNumber, OfPulsedLightCountsInEverySlot) {
  test::DrawnRig rig({32, 0, 0, {}, [](sim::Scenario& s) {
                        s.source.type = sim::SourceType::pulsed;
                        s.source.mean_photon_number.fill(0.1);
                        s.source.g2.fill(0.05);
                      }});
  const Report report = run(rig, kAtLeast);
  ASSERT_EQ(report.status, Status::passed) << report.reason;
  expect_near(rig, report);
}

TEST(PhotonNumber, OfUnknownTransmissionIsSaidToBeUnknown) {
  test::DrawnRig rig({33, 0, 0, {}});
  const double declared = rig.bob().model.p_multi;
  const Report report = run(rig, 0);
  ASSERT_EQ(report.status, Status::passed) << report.reason;
  ASSERT_EQ(report.not_determined.size(), 1U);
  EXPECT_NE(report.not_determined[0].find("transmission_at_least"), std::string::npos);
  ASSERT_TRUE(apply(report.result, rig.bob()).ok());
  EXPECT_EQ(rig.bob().model.source_provenance, hal::Provenance::declared);
  EXPECT_GE(rig.bob().model.p_multi, declared);
}

/// Hardly any coincidence in so little light: a limit, and no reason to shorten keys.
TEST(PhotonNumber, OfFewCoincidencesLeavesWhatIsDeclared) {
  test::DrawnRig rig({35, 0, 0, {}, [](sim::Scenario& s) {
                        s.source.type = sim::SourceType::pulsed;
                        s.source.mean_photon_number.fill(0.02);
                        s.source.g2.fill(0.002);
                      }});
  const double declared = rig.bob().model.p_multi = 1e-6;
  const Report report = run(rig, 0);
  ASSERT_EQ(report.status, Status::passed) << report.reason;
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
  EXPECT_GT(test::found(report, "g2").error, 0);
  ASSERT_TRUE(apply(report.result, rig.bob()).ok());
  EXPECT_EQ(rig.bob().model.p_multi, declared);
}

TEST(PhotonNumber, ThatContradictsWhatIsDeclaredReplacesIt) {
  test::DrawnRig rig({36, 0, 0, {}});
  rig.bob().model.p_multi = 1e-3;
  const Report report = run(rig, 0);
  ASSERT_EQ(report.warnings.size(), 1U);
  ASSERT_TRUE(apply(report.result, rig.bob()).ok());
  EXPECT_GT(rig.bob().model.p_multi, truth(rig.scenario()));
}

/// Tags that a tagger lost are no proof of photons that were not there.
TEST(PhotonNumber, LeavesOutWhatTheTaggerLost) {
  test::DrawnRig rig({37, 0, 0, {}, [](sim::Scenario& s) {
                        s.tagger.fifo_depth = 64;
                        s.tagger.drain_hz = 60e3;
                      }});
  const Report report = run(rig, kAtLeast);
  ASSERT_EQ(report.status, Status::passed) << report.reason;
  EXPECT_NEAR(test::found(report, "mean_photon_number.H").value, 0.8 * 0.3 / kAtLeast, 0.05);
}

TEST(PhotonNumber, OfHeraldedLightNeedsItsHeralds) {
  test::DrawnRig rig({38, 0, 0, {}});
  hal::Rig blind;  // Alice's source, and not her tagger
  struct Lent final : sim::Simulated<hal::PulsedSource> {
    Lent() : Simulated("lent", "source-1") {}
    hal::SourceCaps caps() const override { return {hal::SourceKind::heralded, {}, {}, 1, 1, false, false}; }
    Result<hal::InterlockState> interlock() override { return hal::InterlockState::closed; }
    Result<void> arm(hal::ArmToken) override { return {}; }
    Result<void> enable_emission() override { return {}; }
    void disable_emission() noexcept override {}
    Result<hal::EmissionState> emission() override { return hal::EmissionState::emitting; }
    Result<void> set_light_level(hal::LightLevel) override { return {}; }
    hal::LightLevel light_level() const noexcept override { return hal::LightLevel::quantum; }
    Result<void> begin_block(std::uint64_t) override { return {}; }
    Result<void> emit(const hal::PatternChunk&) override { return {}; }
    Result<void> fire(std::uint64_t) override { return {}; }
    Result<void> end_block() override { return {}; }
    void safe_state() noexcept override {}
  };
  blind.add("source", "source", std::make_unique<Lent>());
  Bench bench(rig.bob(), blind, {}, {});
  const Report report = perform(photon_number(), bench);
  EXPECT_EQ(report.status, Status::failed);
  EXPECT_NE(report.reason.find("nothing tells which slots have a herald"), std::string::npos) << report.reason;
}

TEST(PhotonNumber, AboveWhatIsDeclaredWarns) {
  test::DrawnRig rig({34, 0, 0, {}});
  rig.bob().model.p_multi = 1e-3;
  const Report report = run(rig, kAtLeast);
  ASSERT_EQ(report.warnings.size(), 1U);
  EXPECT_NE(report.warnings[0].find("declared are at most"), std::string::npos) << report.warnings[0];
}

}  // namespace
}  // namespace nicol::calibration
