// SPDX-License-Identifier: Apache-2.0
// Which calibrations are stale, and what a day's five minutes hold.
#include "controller/service/calibration_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "controller/service/calibration_full.hpp"
#include "tests/unit/service/record_bench.hpp"

namespace nicol::service::test {
namespace {

using calibration::Report;
using calibration::Status;

constexpr std::int64_t kNow = 1'800'000'000, kHour = 3'600, kDay = 86'400;

std::vector<std::string> names(const std::vector<CalibrationChoice::One>& some) {
  std::vector<std::string> all;
  for (const auto& one : some) all.emplace_back(one.routine->name);
  return all;
}

class CalibrationPlans : public testing::Test {
 protected:
  void make(const std::string& routine, std::int64_t when, Status status = Status::passed, double seconds = 10) {
    Report r;
    r.routine = routine, r.status = status, r.seconds = seconds;
    if (status != Status::passed) r.reason = "no light";
    bench_.add(records_, r, when);
  }
  /// Everything there is, in its order.
  void make_all(std::int64_t when, double seconds = 10) {
    for (const calibration::Routine& r : calibration::routines())
      make(std::string(r.name), when, Status::passed, seconds);
  }
  std::string stale(std::string_view routine) const {
    for (const CalibrationAge& age : calibration_ages(records_, policy_, kNow))
      if (age.routine->name == routine) return age.stale;
    return "no such routine";
  }
  CalibrationChoice daily() const { return choose_daily(records_, policy_, kNow); }

  RecordBench bench_;
  std::unique_ptr<keystore::KeyStore> store_ = bench_.store();
  CalibrationRecords records_ = bench_.open(*store_);
  CalibrationPolicy policy_;
};

TEST_F(CalibrationPlans, NeedOnlyRoutinesThatComeBefore) {
  std::vector<std::string_view> before;
  for (const calibration::Routine& r : calibration::routines()) {
    for (const std::string_view need : r.needs)
      EXPECT_NE(std::ranges::find(before, need), before.end()) << r.name << " needs " << need;
    before.push_back(r.name);
  }
}

TEST_F(CalibrationPlans, FindNothingStaleJustAfterAll) {
  make_all(kNow - 60);
  for (const CalibrationAge& age : calibration_ages(records_, policy_, kNow)) EXPECT_EQ(age.stale, "");
  EXPECT_TRUE(daily().wanted.empty());
}

TEST_F(CalibrationPlans, CallStaleWhatWasNeverMade) { EXPECT_EQ(stale("delays"), "was never made"); }

TEST_F(CalibrationPlans, CallStaleWhatOutlivedItsRoutinesLifetime) {
  make("delays", kNow - kDay);
  EXPECT_EQ(stale("delays"), "");
  make("polarisation", kNow - kHour - 1);
  EXPECT_EQ(stale("polarisation"), "is 60 min old and good for 60 min");
}

TEST_F(CalibrationPlans, TakeALifetimeFromTheConfig) {
  policy_.lifetimes["delays"] = std::chrono::seconds(100);
  make("delays", kNow - 101);
  EXPECT_EQ(stale("delays"), "is 101 s old and good for 100 s");
}

TEST_F(CalibrationPlans, CallStaleWhatRestsOnSomethingNewer) {
  make_all(kNow - 100);
  make("polarisation", kNow - 50);
  EXPECT_EQ(stale("efficiency-mismatch"), "polarisation was made anew since");
  make("efficiency-mismatch", kNow - 40);
  EXPECT_EQ(stale("efficiency-mismatch"), "");
}

TEST_F(CalibrationPlans, CallStaleWhatWasTriedSinceAndFailed) {
  make("delays", kNow - 100);
  make("delays", kNow - 50, Status::failed);
  EXPECT_EQ(stale("delays"), "was tried again and failed (no light)");
}

TEST_F(CalibrationPlans, LeaveARoutineGoodThatWasCancelledSince) {
  make("delays", kNow - 100);
  make("delays", kNow - 50, Status::cancelled);
  EXPECT_EQ(stale("delays"), "");
}

TEST_F(CalibrationPlans, DoNotTrustADateInTheFuture) {
  make("delays", kNow + 5);
  EXPECT_EQ(stale("delays"), "is dated in the future: was a clock set?");
}

TEST_F(CalibrationPlans, MakeDailyWhatIsStaleAndWhatRestsOnIt) {
  make_all(kNow - 2 * kHour);
  const auto choice = daily();
  EXPECT_EQ(choice.most, std::chrono::seconds(300));
  const auto wanted = names(choice.wanted);
  EXPECT_NE(std::ranges::find(wanted, "polarisation"), wanted.end());
  EXPECT_NE(std::ranges::find(wanted, "efficiency-mismatch"), wanted.end());
  EXPECT_EQ(std::ranges::find(wanted, "dark-counts"), wanted.end());
  EXPECT_LT(std::ranges::find(wanted, "polarisation"), std::ranges::find(wanted, "efficiency-mismatch"));
}

TEST_F(CalibrationPlans, LeaveOutWhatDoesNotFitIntoFiveMinutesAndSayWhy) {
  make_all(kNow - 2 * kDay, 1);
  make("delays", kNow - 2 * kDay + 1, Status::passed, 299);
  make("polarisation", kNow - 2 * kDay + 2, Status::passed, 200);
  const auto choice = daily();
  double sum = 0;
  for (const auto& one : choice.wanted) sum += one.seconds;
  EXPECT_LE(sum, 300);
  const auto why = [&](std::string_view name) {
    const auto it = std::ranges::find_if(choice.left_out, [&](const auto& one) { return one.routine->name == name; });
    return it == choice.left_out.end() ? std::string("is not left out") : it->why;
  };
  EXPECT_NE(why("polarisation").find("takes about 200 s, and 0 s of 5 min are left"), std::string::npos)
      << why("polarisation");
  EXPECT_EQ(why(kMismatchRoutine), "rests on polarisation, which is left out");
}

TEST_F(CalibrationPlans, MakeAllOfAFullOne) {
  make_all(kNow - 60);
  EXPECT_EQ(choose_full(records_, policy_, {}, kNow).wanted.size(), calibration::routines().size());
}

TEST_F(CalibrationPlans, GoOnWithWhatAnInterruptedFullOneHasNotDone) {
  make("dark-counts", kNow - 100);
  make("delays", kNow - 3 * kHour);  // of before
  make("polarisation", kNow - 90, Status::cancelled);
  const auto choice = choose_full(records_, policy_, kNow - 120, kNow);
  ASSERT_EQ(names(choice.left_out), std::vector<std::string>{"dark-counts"});
  const auto wanted = names(choice.wanted);
  EXPECT_EQ(wanted.size(), calibration::routines().size() - 1);
}

TEST_F(CalibrationPlans, RememberThatAFullOneBegan) {
  EXPECT_FALSE(interrupted_full(bench_.state(), *store_, kNow));
  ASSERT_TRUE(full_begins(bench_.state(), *store_, kNow - 60).ok());
  EXPECT_EQ(interrupted_full(bench_.state(), *store_, kNow), kNow - 60);
  EXPECT_FALSE(interrupted_full(bench_.state(), *store_, kNow + 2 * kDay));
  full_ended(bench_.state());
  EXPECT_FALSE(interrupted_full(bench_.state(), *store_, kNow));
}

TEST_F(CalibrationPlans, DoNotTakeANoteThatSomebodyElseWrote) {
  ASSERT_TRUE(full_begins(bench_.state(), *store_, kNow - 60).ok());
  const auto file = bench_.state() / "calibrations" / "full.begun";
  std::string text = RecordBench::read(file);
  text[9] = static_cast<char>(text[9] == '0' ? '1' : '0');
  std::ofstream(file, std::ios::trunc) << text;
  EXPECT_FALSE(interrupted_full(bench_.state(), *store_, kNow));
}

TEST_F(CalibrationPlans, NameInKeysWhatIsStaleAndWhy) {
  make("polarisation", kNow - 3 * kHour);
  make("delays", kNow - 60);
  const auto all = relied_on(records_, policy_, kNow);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_NE(all[0].find("(3 h, stale: is 3 h old and good for 60 min)"), std::string::npos) << all[0];
  EXPECT_TRUE(all[1].starts_with("delays ") && all[1].ends_with("(60 s)")) << all[1];
}

Report mismatch(double d, double error) {
  Report r;
  r.routine = kMismatchRoutine;
  r.status = Status::passed;
  for (const char* basis : {"rectilinear", "diagonal"}) {
    r.fitted.push_back({fmt::format("mismatch.{}", basis), d, error, "1"});
    r.fitted.push_back({fmt::format("mismatch.{}.upper", basis), std::abs(d) + 3.29 * error, 0, "1"});
  }
  return r;
}

TEST(MismatchGrowth, IsTold) {
  const std::string grown = mismatch_growth(mismatch(-0.05, 0.004), mismatch(0.01, 0.004));
  EXPECT_NE(grown.find("has grown: |D| 0.0500 +- 0.0040, at most 0.0632; in force was 0.0100"), std::string::npos)
      << grown;
}

TEST(MismatchGrowth, IsNotWhatErrorsExplain) {
  EXPECT_EQ(mismatch_growth(mismatch(0.025, 0.004), mismatch(0.01, 0.004)), "");
  EXPECT_EQ(mismatch_growth(mismatch(0.01, 0.1), mismatch(0.01, 0.004)), "");
}

TEST(MismatchGrowth, IsNotAMismatchThatShrank) {
  EXPECT_EQ(mismatch_growth(mismatch(0.001, 0.004), mismatch(-0.05, 0.004)), "");
}

TEST_F(CalibrationPlans, KeepTheLargerMismatchOfARecordThatFailedItsLimits) {
  Report good = mismatch(0.01, 0.002), bad = mismatch(0.08, 0.002);
  good.result["model.efficiency_mismatch"] = 0.02;
  bad.result["model.efficiency_mismatch"] = 0.09;
  bad.status = Status::failed;
  bench_.add(records_, good, kNow - 100);
  bench_.add(records_, bad, kNow - 50);
  EXPECT_EQ(std::get<double>(records_.settings().at("model.efficiency_mismatch")), 0.09);
  EXPECT_FALSE(mismatch_growth(records_).empty());
  EXPECT_NE(relied_on(records_, policy_, kNow).at(1).find("failed: only what makes keys shorter counts"),
            std::string::npos);
  bench_.add(records_, good, kNow - 10);
  EXPECT_EQ(std::get<double>(records_.settings().at("model.efficiency_mismatch")), 0.02);
}

}  // namespace
}  // namespace nicol::service::test
