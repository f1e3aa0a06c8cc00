// SPDX-License-Identifier: Apache-2.0
// Photon numbers of simulated light, told to the receiver's rig.
#include "controller/calibration/photon_number.hpp"

#include <gtest/gtest.h>

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

TEST(PhotonNumber, AboveWhatIsDeclaredWarns) {
  test::DrawnRig rig({34, 0, 0, {}});
  rig.bob().model.p_multi = 1e-3;
  const Report report = run(rig, kAtLeast);
  ASSERT_EQ(report.warnings.size(), 1U);
  EXPECT_NE(report.warnings[0].find("declared are at most"), std::string::npos) << report.warnings[0];
}

}  // namespace
}  // namespace nicol::calibration
