// SPDX-License-Identifier: Apache-2.0
// The page of calibrations: complete, escaped, the same for the same records, and legible.
#include "controller/app/calibration_page.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "controller/app/chart_svg.hpp"
#include "tests/unit/service/record_bench.hpp"

namespace nicol::app {
namespace {

using calibration::Report;
using calibration::Status;

constexpr std::int64_t kFirst = 1'790'000'000, kDay = 86'400;

class CalibrationPage : public testing::Test {
 protected:
  /// Two quantities a day that scatter and drift a little; the last point of the second jumps.
  void make(int days) {
    for (int i = 0; i < days; ++i) {
      Report r;
      r.routine = "delays", r.status = Status::passed, r.seconds = 2.5;
      const double wave = std::sin(1.7 * i);
      r.fitted = {{"detector-0.delay", 9998 + 0.3 * i + 2 * wave, 1.4, "ps"},
                  {"alike.diagonal", i == days - 1 ? 9.0 : 0.5 + 0.1 * wave, 0, "1"}};
      r.before["own.shutter.open"] = false, r.after["own.shutter.open"] = false;
      r.before["own.plate.position_deg"] = 10.0, r.after["own.plate.position_deg"] = 12.5;
      r.warnings = {"<script>alert('x')</script> & more"};
      bench_.add(records_, r, kFirst + i * kDay);
    }
  }
  service::CalibrationSummary summary(std::int64_t now) const {
    auto s = service::summarise(records_, policy_, now);
    s.version = "nicol test", s.node = "bob \"<here>\"", s.sealed_by = "a store";
    return s;
  }
  std::string page() const { return calibration_page(summary(kFirst + 40 * kDay)); }
  static std::size_t count(const std::string& text, std::string_view what) {
    std::size_t n = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
    return n;
  }

  service::test::RecordBench bench_;
  std::unique_ptr<keystore::KeyStore> store_ = bench_.store();
  service::CalibrationRecords records_ = bench_.open(*store_);
  service::CalibrationPolicy policy_;
};

TEST_F(CalibrationPage, IsTheSameForTheSameRecordsAndTime) {
  make(5);
  EXPECT_EQ(page(), page());
}

TEST_F(CalibrationPage, NeedsNoScriptAndNoNetwork) {
  make(5);
  const std::string text = page();
  for (const char* forbidden : {"<script", "http:", "https:", "<link", "@import", "url(", "javascript:", "onload"})
    EXPECT_EQ(text.find(forbidden), std::string::npos) << forbidden;
}

TEST_F(CalibrationPage, EscapesWhatDevicesAndRecordsSay) {
  make(2);
  const std::string text = page();
  EXPECT_NE(text.find("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; more"), std::string::npos);
  EXPECT_NE(text.find("bob &quot;&lt;here&gt;&quot;"), std::string::npos);
}

TEST_F(CalibrationPage, SaysWhatIsStaleAndNamesEveryRecord) {
  make(3);
  const std::string text = page();
  EXPECT_NE(text.find("stale: is 38 d old and good for 24 h"), std::string::npos);
  for (const auto& r : records_.all()) EXPECT_NE(text.find(r.id), std::string::npos);
}

TEST_F(CalibrationPage, DrawsAChartFromTheSecondRecordOn) {
  make(1);
  EXPECT_EQ(count(page(), "<svg"), 0U);
  make(1);
  EXPECT_EQ(count(page(), "<svg"), 2U);
}

TEST_F(CalibrationPage, RingsThePointThatIsOutside) {
  make(21);
  EXPECT_EQ(count(page(), "class=\"outside\""), 1U);
  EXPECT_EQ(count(page(), "1 outside"), 1U);
}

TEST_F(CalibrationPage, ShowsWhatMovedAndCountsTheRest) {
  make(1);
  const std::string text = page();
  EXPECT_NE(text.find("own.plate.position_deg"), std::string::npos);
  EXPECT_EQ(text.find("own.shutter.open"), std::string::npos);
  EXPECT_NE(text.find("1 others are as they were"), std::string::npos);
}

TEST_F(CalibrationPage, HasAWordForEveryRoutineWithoutRecords) {
  EXPECT_EQ(count(page(), "<p>No record.</p>"), calibration::routines().size());
}

TEST_F(CalibrationPage, IsTheSameAsJson) {
  make(21);
  const auto j = to_json(summary(kFirst + 40 * kDay));
  EXPECT_EQ(j["schema"], "nicol.calibration-report/1");
  EXPECT_EQ(j["sealed_by"], "a store");
  const auto& delays = *std::ranges::find_if(j["routines"], [](const auto& r) { return r["routine"] == "delays"; });
  EXPECT_EQ(delays["in_force"], records_.all().back().id);
  EXPECT_EQ(delays["records"].size(), 21U);
  const auto& jumped = delays["quantities"][1];
  EXPECT_EQ(jumped["points"].size(), 21U);
  EXPECT_TRUE(jumped["points"][20]["outside"].get<bool>());
  EXPECT_FALSE(jumped["points"][3]["outside"].get<bool>());
  EXPECT_NEAR(delays["quantities"][0]["chart"]["drift_per_week"].get<double>(), 2.1, 0.5);
}

TEST(ChartTicks, AreRoundAndLieInside) {
  for (const auto& [low, high] :
       {std::pair(0.0, 1.0), {9997.0, 9999.5}, {-3e-7, 8e-7}, {0.0, 123456.0}, {-5.0, -4.9}}) {
    const auto marks = ticks(low, high);
    ASSERT_GE(marks.size(), 2U) << low;
    EXPECT_LE(marks.size(), 6U) << low;
    EXPECT_GE(marks.front(), low - 1e-9 * (high - low));
    EXPECT_LE(marks.back(), high + 1e-9 * (high - low));
  }
}

TEST(ChartNumbers, ShowTwoDigitsOfTheError) {
  EXPECT_EQ(with_error(9998.123, 1.4), "9998.1 ± 1.4");
  EXPECT_EQ(with_error(0.0105823, 0.00067), "0.01058 ± 0.00067");
  EXPECT_EQ(with_error(27740.8, 167), "27741 ± 167");
  EXPECT_EQ(with_error(49.625, 0), "49.625");
  EXPECT_EQ(with_error(std::nan(""), 1), "not determined");
}

TEST(ChartNumbers, SayTimesInUtc) { EXPECT_EQ(utc(1'790'000'000), "2026-09-21 14:13 UTC"); }

}  // namespace
}  // namespace nicol::app
