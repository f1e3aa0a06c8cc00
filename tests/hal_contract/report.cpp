// SPDX-License-Identifier: Apache-2.0
// Prints driver by case at the end of a conformance run: pass, fail, or skip with the capability that is false.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace nicol::hal_contract {
namespace {

struct Line {
  std::string driver, contract, outcome;
};

/// "Ell14/RotationStageContract.MovesAgain/Mount" belongs to a contract; others do not.
bool of_a_contract(std::string_view suite) { return suite.ends_with("Contract"); }

class Report final : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo& info) override {
    if (!of_a_contract(info.test_suite_name())) return;
    const std::string_view suite(info.test_suite_name()), name(info.name());
    const auto first = suite.find('/'), slash = name.rfind('/');
    const std::string driver = std::string(suite.substr(0, first)) + "/" + std::string(name.substr(slash + 1));
    const std::string contract = std::string(suite.substr(first + 1)) + "." + std::string(name.substr(0, slash));
    lines_.push_back({driver, contract, outcome(*info.result())});
  }
  void OnTestProgramEnd(const testing::UnitTest&) override {
    if (lines_.empty()) return;
    std::printf("\nDRIVER X CASE\n");
    for (const Line& line : lines_)
      std::printf("%-34s %-72s %s\n", line.driver.c_str(), line.contract.c_str(), line.outcome.c_str());
  }
  static std::string outcome(const testing::TestResult& result) {
    if (result.Failed()) return "FAIL";
    if (!result.Skipped()) return "pass";
    for (int i = 0; i < result.total_part_count(); ++i)
      if (result.GetTestPartResult(i).skipped()) return std::string("skip: ") + result.GetTestPartResult(i).message();
    return "skip";
  }
  std::vector<Line> lines_;
};

/// gtest owns the listener. The object is linked whole, so that every conformance program reports.
const bool kAdded = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new Report);
  return true;
}();

}  // namespace
}  // namespace nicol::hal_contract
