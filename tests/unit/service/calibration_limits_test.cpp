// SPDX-License-Identifier: Apache-2.0
// Limits of the config: read strictly, judged by the far end of the error bar.
#include "controller/service/calibration_limits.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "controller/service/calibration_policy.hpp"
#include "controller/service/toml_table.hpp"

namespace nicol::service {
namespace {

using calibration::Report;
using Missing = CalibrationLimit::Missing;

Report polarisation(double value, double error) {
  Report r;
  r.routine = "polarisation";
  r.fitted = {{"visibility.rectilinear", value, error, "1"}};
  return r;
}
CalibrationLimit least(double min) { return {"visibility.rectilinear", min, {}, "1", Missing::fails}; }
CalibrationLimit most(std::string name, double max, Missing missing = Missing::fails) {
  return {std::move(name), {}, max, "Hz", missing};
}
std::string verdict(Report report, const CalibrationLimit& limit) {
  const auto judged = judge(report, {limit});
  return judged ? std::string() : judged.error().message;
}
Report dark(std::initializer_list<double> rates) {
  Report r;
  r.routine = "dark-counts";
  for (const double rate : rates)
    r.fitted.push_back({"detector-" + std::to_string(r.fitted.size()) + ".dark_rate", rate, 1, "Hz"});
  return r;
}

TEST(CalibrationLimits, PassWhatIsWithinWithItsErrorBar) {
  EXPECT_EQ(verdict(polarisation(0.99, 0.004), least(0.98)), "");
  EXPECT_EQ(verdict(polarisation(0.99, 0.005), least(0.98)), "");
}

TEST(CalibrationLimits, FailAGoodValueThatIsMeasuredBadly) {
  const std::string why = verdict(polarisation(0.99, 0.006), least(0.98));
  EXPECT_NE(why.find("visibility.rectilinear is 0.99 +- 0.006: it may be 0.978, and the least allowed is 0.98"),
            std::string::npos)
      << why;
}

TEST(CalibrationLimits, FailWhatIsNoNumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  EXPECT_NE(verdict(polarisation(nan, 0.001), least(0.5)), "");
  EXPECT_NE(verdict(polarisation(0.99, nan), least(0.5)), "");
  EXPECT_NE(verdict(polarisation(0.99, inf), least(0.5)), "");
}

TEST(CalibrationLimits, NameEveryDetectorThatIsOutside) {
  const std::string why = verdict(dark({300, 600, 20, 700}), most("detector-*.dark_rate", 500));
  for (const char* name : {"detector-1.dark_rate is 600 +- 1 Hz", "detector-3.dark_rate"})
    EXPECT_NE(why.find(name), std::string::npos) << why;
  EXPECT_EQ(why.find("detector-0"), std::string::npos) << why;
}

TEST(CalibrationLimits, FailWhatWasNotDetermined) {
  Report r = dark({300, 310});
  r.fitted.push_back({"detector-0.dead_time", 50, 1, "ns"});
  EXPECT_NE(
      verdict(r, most("detector-*.dead_time", 60)).find("detector-1.dead_time has a limit and was not determined"),
      std::string::npos);
}

TEST(CalibrationLimits, OnlyWarnOfWhatWasNotDeterminedWhereTheLabSaysSo) {
  Report r = dark({300});
  ASSERT_TRUE(judge(r, {most("detector-0.dead_time", 60, Missing::warns)}).ok());
  ASSERT_EQ(r.warnings.size(), 1U);
  EXPECT_NE(r.warnings[0].find("detector-0.dead_time"), std::string::npos);
}

TEST(CalibrationLimits, SayNothingOfAnotherRoutine) { EXPECT_EQ(verdict(dark({300}), least(0.98)), ""); }

TEST(CalibrationLimits, StandForWholeNumbersOnly) {
  EXPECT_TRUE(stands_for("detector-*.delay", "detector-12.delay"));
  EXPECT_TRUE(stands_for("visibility.diagonal.*.detector-*", "visibility.diagonal.1.detector-3"));
  for (const char* name : {"detector-.delay", "detector-x.delay", "detector-1.delay.upper", "detector-1"})
    EXPECT_FALSE(stands_for("detector-*.delay", name)) << name;
}

Result<CalibrationPolicy> read(const std::string& text) {
  const auto parsed = toml::parse(std::string_view(text), std::string_view("lab.toml"));
  if (!parsed) throw std::runtime_error("bad TOML in a test");
  TomlTable top(&parsed.table(), "lab.toml", "");
  TomlTable table = top.sub("calibration");
  CalibrationPolicy policy = read_calibration_policy(table, "lab.toml");
  if (auto done = table.done(); !done) return std::move(done).error();
  return policy;
}
std::string refusal(const std::string& text) {
  const auto policy = read(text);
  return policy ? "accepted" : policy.error().message;
}

TEST(CalibrationPolicy, IsReadFromTheConfig) {
  const auto policy = read(R"([calibration]
daily_s = 120
[calibration.lifetime_s]
polarisation = 600
[calibration.limits]
"visibility.rectilinear" = { min = 0.97 }
"detector-*.dark_rate" = { max = 500, unit = "Hz", missing = "warns" }
)");
  ASSERT_TRUE(policy.ok()) << policy.error().message;
  EXPECT_EQ(policy->daily.count(), 120);
  EXPECT_EQ(policy->lifetime(*calibration::find_routine("polarisation")).count(), 600);
  EXPECT_EQ(policy->lifetime(*calibration::find_routine("delays")).count(), 86'400);
  ASSERT_EQ(policy->limits.size(), 2U);
  EXPECT_EQ(policy->limits[0].name, "detector-*.dark_rate");
  EXPECT_EQ(policy->limits[0].missing, Missing::warns);
  EXPECT_EQ(policy->limits[1].min, 0.97);
}

TEST(CalibrationPolicy, IsTheRoutinesOwnWhereNothingIsSaid) {
  const auto policy = read("");
  ASSERT_TRUE(policy.ok());
  EXPECT_EQ(policy->daily.count(), 300);
  EXPECT_EQ(policy->lifetime(*calibration::find_routine("polarisation")).count(), 3'600);
}

TEST(CalibrationPolicy, RefusesByLineWhatItDoesNotKnow) {
  EXPECT_NE(refusal("[calibration.limits]\n\"visibilty\" = { min = 1 }\n")
                .find("lab.toml:2: calibration.limits.\"visibilty\": expected one of detector-*."),
            std::string::npos)
      << refusal("[calibration.limits]\n\"visibilty\" = { min = 1 }\n");
  EXPECT_NE(refusal("[calibration.lifetime_s]\npolarization = 60\n").find("lab.toml:2: calibration.lifetime_s"),
            std::string::npos);
  EXPECT_NE(refusal("[calibration]\nweekly_s = 60\n").find("lab.toml:2: calibration.weekly_s: unknown key"),
            std::string::npos);
  EXPECT_NE(refusal("[calibration.limits]\n\"alike.diagonal\" = { least = 1 }\n").find("lab.toml:2"),
            std::string::npos);
}

TEST(CalibrationPolicy, RefusesAnotherUnitThanTheRoutines) {
  const std::string said = refusal("[calibration.limits]\n\"detector-0.dark_rate\" = { max = 0.5, unit = \"kHz\" }\n");
  EXPECT_NE(said.find("lab.toml:2:"), std::string::npos) << said;
  EXPECT_NE(said.find("unit = \"Hz\""), std::string::npos) << said;
}

TEST(CalibrationPolicy, RefusesALimitThatLimitsNothingOrEverything) {
  EXPECT_NE(refusal("[calibration.limits]\n\"alike.diagonal\" = { unit = \"1\" }\n").find("min, max or both"),
            std::string::npos);
  EXPECT_NE(refusal("[calibration.limits]\n\"alike.diagonal\" = { min = 2, max = 1 }\n").find("not above max"),
            std::string::npos);
}

}  // namespace
}  // namespace nicol::service
