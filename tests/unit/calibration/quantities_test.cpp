// SPDX-License-Identifier: Apache-2.0
// What routines say that they fit, and what becomes of a result that is judged not good enough.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "controller/calibration/mismatch.hpp"
#include "controller/calibration/polarisation.hpp"
#include "tests/unit/calibration/drawn_rig.hpp"

namespace nicol::calibration {
namespace {

bool declared(const Routine& routine, const Fitted& fitted) {
  return std::ranges::any_of(routine.finds, [&](const Quantity& q) {
    const std::string pattern = std::regex_replace(std::regex_replace(std::string(q.name), std::regex("\\."), "\\."),
                                                   std::regex("\\*"), "\\d+");
    return q.unit == fitted.unit && std::regex_match(fitted.name, std::regex(pattern));
  });
}

TEST(Routines, DeclareEveryQuantityThatTheyFitAndItsUnit) {
  test::DrawnRig rig({31, 0.1, 0, {}});
  Bench bench(rig.bob(), rig.alice(), {}, {});
  for (const Routine& routine : routines()) {
    const Report report = perform(routine, bench);
    for (const Fitted& f : report.fitted)
      EXPECT_TRUE(declared(routine, f)) << routine.name << " fits " << f.name << " in " << f.unit
                                        << ": add it to what the routine finds";
    EXPECT_TRUE(apply(report.result, rig.bob()).ok());
  }
}

/// Everything is judged bad.
BenchOptions strict() {
  BenchOptions o;
  o.judge = [](Report&) { return Error{Code::refused, "not good enough", "", 0, {}}; };
  return o;
}

TEST(JudgedRoutine, FailsAndPutsThePlatesBack) {
  test::DrawnRig rig({32, 0.1, 0, {}});
  Bench bench(rig.bob(), rig.alice(), {}, strict());
  const Report report = perform(polarisation(), bench);
  EXPECT_EQ(report.status, Status::failed);
  EXPECT_NE(report.reason.find("not good enough"), std::string::npos);
  EXPECT_FALSE(report.fitted.empty());
  EXPECT_TRUE(report.result.empty());
  for (const char* plate : {"own.compensator-0.position_deg", "own.compensator-1.position_deg"})
    EXPECT_NEAR(std::get<double>(report.before.at(plate)), std::get<double>(report.after.at(plate)), 0.01);
}

TEST(JudgedRoutine, KeepsOfAMismatchOnlyWhatMakesKeysShorter) {
  test::DrawnRig rig({33, 0.3, 0, {}});
  {
    Bench bench(rig.bob(), rig.alice(), {}, {});
    ASSERT_EQ(perform(polarisation(), bench).status, Status::passed);
  }
  Bench bench(rig.bob(), rig.alice(), {}, strict());
  rig.bob().model.efficiency_mismatch = 0;
  const Report worse = perform(efficiency_mismatch(), bench);
  EXPECT_EQ(worse.status, Status::failed);
  EXPECT_GT(std::get<double>(worse.result.at("model.efficiency_mismatch")), 0.01);
  EXPECT_FALSE(std::get<bool>(worse.result.at("model.basis_independent_detection")));
  rig.bob().model.efficiency_mismatch = 0.9;
  EXPECT_FALSE(perform(efficiency_mismatch(), bench).result.contains("model.efficiency_mismatch"));
}

TEST(Bench, CancelsARoutineWhoseTimeIsUp) {
  test::DrawnRig rig({34, 0.1, 0, {}});
  BenchOptions o;
  o.until = SteadyDeadlines().in(std::chrono::seconds(0));
  Bench bench(rig.bob(), rig.alice(), {}, o);
  const Report report = perform(polarisation(), bench);
  EXPECT_EQ(report.status, Status::cancelled);
  EXPECT_NE(report.reason.find("time for all routines is up"), std::string::npos);
}

}  // namespace
}  // namespace nicol::calibration
