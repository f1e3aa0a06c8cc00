// SPDX-License-Identifier: Apache-2.0
// A routine that is cancelled at any of its steps, or loses a device in its midst, leaves the rig as it found it.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "controller/calibration/routine.hpp"
#include "sim/devices/motor.hpp"
#include "sim/devices/receiver_tagger.hpp"
#include "tests/unit/calibration/drawn_rig.hpp"

namespace nicol::calibration {
namespace {

/// Every motor, shutter, detector and light of both rigs.
hal::State standing(test::DrawnRig& rig) {
  hal::State all;
  for (const hal::Rig* one : {&rig.alice(), &rig.bob()})
    for (const auto& [key, value] : RigState::of(*one).described())
      all[key + (one == &rig.bob() ? " bob" : "")] = value;
  return all;
}

void expect_same(const hal::State& now, const hal::State& before, const std::string& where) {
  ASSERT_EQ(now.size(), before.size()) << where;
  for (const auto& [key, value] : before)
    if (const auto* angle = std::get_if<double>(&value))
      EXPECT_NEAR(std::get<double>(now.at(key)), *angle, 0.01) << key << " " << where;
    else
      EXPECT_EQ(now.at(key), value) << key << " " << where;
}

/// Runs a routine and does something as it begins its nth step; how many steps it had.
int interrupted(const Routine& routine, test::DrawnRig& rig, int nth, const std::function<void()>& what, Report& report,
                std::stop_token stop = {}) {
  int steps = 0;
  BenchOptions options;
  options.progress = [&](const Progress&) {
    if (++steps == nth) what();
  };
  options.patience = std::chrono::seconds(2);
  Bench bench(rig.bob(), rig.alice(), std::move(stop), options);
  report = perform(routine, bench);
  return steps;
}

class EveryRoutine : public testing::TestWithParam<std::string> {
 protected:
  const Routine& routine() const { return *find_routine(GetParam()); }
};

TEST_P(EveryRoutine, PutsEverythingBackWhenItIsCancelledAtAnyStep) {
  for (int nth = 1;; ++nth) {
    test::DrawnRig rig({3, 0.2, 0, {}});
    const hal::State before = standing(rig);
    std::stop_source stop;
    Report report;
    const int steps = interrupted(
        routine(), rig, nth, [&] { stop.request_stop(); }, report, stop.get_token());
    if (steps < nth) break;
    EXPECT_EQ(report.status, Status::cancelled) << nth;
    EXPECT_TRUE(report.result.empty());
    EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
    expect_same(standing(rig), before, "cancelled at step " + std::to_string(nth));
    expect_same(report.after, report.before, "by the record");
  }
}

TEST_P(EveryRoutine, PutsBackWhatItCanWhenATaggerIsUnplugged) {
  test::DrawnRig rig({3, 0.2, 0, {}});
  hal::State before = standing(rig);
  Report report;
  const auto unplug = [&] { rig.bob().find<sim::ReceiverTagger>("tagger")->unplug(); };
  interrupted(routine(), rig, 2, unplug, report);
  EXPECT_EQ(report.status, Status::failed);
  EXPECT_NE(report.reason.find("tagger"), std::string::npos) << report.reason;
  std::erase_if(before, [](const auto& entry) {
    return entry.first.find("tagger.threshold") != std::string::npos && entry.first.ends_with(" bob");
  });  // it cannot be asked
  expect_same(standing(rig), before, "unplugged");
}

INSTANTIATE_TEST_SUITE_P(All, EveryRoutine, testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const Routine& r : routines()) names.emplace_back(r.name);
                           return names;
                         }()),
                         [](const auto& given) {
                           std::string name = given.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(AMountThatIsUnplugged, IsNamedWithWhatItDidNotDo) {
  test::DrawnRig rig({3, 0.2, 0, {}});
  Report report;
  interrupted(
      *find_routine("polarisation"), rig, 2, [&] { rig.bob().find<sim::Motor>("compensator-1")->unplug(); }, report);
  EXPECT_EQ(report.status, Status::failed);
  ASSERT_FALSE(report.warnings.empty());
  EXPECT_NE(report.warnings.front().find("compensator-1 is not back"), std::string::npos) << report.warnings.front();
}

}  // namespace
}  // namespace nicol::calibration
