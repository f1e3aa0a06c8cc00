// SPDX-License-Identifier: Apache-2.0
// The LectroTIC-4 driver while everything goes wrong: no hang, no tag of a wrong time, and an error that helps.
#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/lectrotic_bench.hpp"

namespace nicol::hal_contract {
namespace {

using hal::StreamStatus;
using sim::FaultKind;
using sim::FaultSide;
using test::Heard;
using test::LectroticBench;
using test::seconds_of;

sim::LectroticOptions lit() {
  sim::LectroticOptions options;
  options.light = sim::poisson_light({1e3, 1e3, 1e3, 1e3}, 17);
  return options;
}

class LectroticFault : public testing::Test {
 protected:
  void start() {
    ASSERT_TRUE(succeeds(tagger_->start()));
    heard_.listen(*tagger_, 20, [&] { return heard_.tags.size() > 500; });
    ASSERT_GT(heard_.tags.size(), 500u);
  }
  void inject(sim::Fault fault) { bench_.tty().set_faults({fault}); }

  LectroticBench bench_{lit()};
  std::unique_ptr<hal::TimeTagger> tagger_ = bench_.open();
  Heard heard_;
};

TEST(LectroticMake, APortThatSaysNothingIsRefusedInTime) {
  LectroticBench bench;
  bench.tty().set_faults({{FaultKind::stall, FaultSide::from_device, 0, 1, {}, 0}});
  Result<std::unique_ptr<hal::Device>> made = Error{};
  EXPECT_LT(seconds_of([&] { made = bench.driver().make({}); }), 15.0);
  ASSERT_EQ(code_of(made), Code::not_found);
  EXPECT_NE(made.error().message.find("is it another device?"), std::string::npos);
}

/// A fault on what the device says within a stream.
struct StreamFault {
  std::string name;
  FaultKind kind = FaultKind::drop;
  std::uint64_t count = 1;
};
class LectroticStreamFault : public LectroticFault, public testing::WithParamInterface<StreamFault> {};

TEST_P(LectroticStreamFault, CostsAnIntervalAndTheStreamGoesOn) {
  start();
  inject({GetParam().kind, FaultSide::from_device, 1001, GetParam().count, {}, 0x40});
  heard_.listen(*tagger_, 20,
                [&] { return !heard_.losses.empty() && heard_.losses.back().cause == hal::LossCause::corrupt; });
  ASSERT_FALSE(heard_.losses.empty());
  const std::size_t before = heard_.tags.size();
  heard_.listen(*tagger_, 20, [&] { return heard_.tags.size() > before + 1000; });
  EXPECT_GT(heard_.tags.size(), before + 1000);
  EXPECT_TRUE(std::is_sorted(heard_.tags.begin(), heard_.tags.end(),
                             [](const auto& a, const auto& b) { return a.ticks < b.ticks; }));
  EXPECT_GE(std::get<std::int64_t>(*tagger_->read_property("restarts")), 1);
  EXPECT_TRUE(succeeds(tagger_->stop()));
}

INSTANTIATE_TEST_SUITE_P(Faults, LectroticStreamFault,
                         testing::Values(StreamFault{"Drop", FaultKind::drop, 1},
                                         StreamFault{"Duplicate", FaultKind::duplicate, 1},
                                         StreamFault{"Garbage", FaultKind::garbage, 37}),
                         [](const auto& fault) { return fault.param.name; });

TEST_F(LectroticFault, AStalledLineClaimsNothing) {
  start();
  inject({FaultKind::stall, FaultSide::from_device, 100, 1, {}, 0});
  heard_.listen(*tagger_, 20, [&] { return !std::get<bool>(*tagger_->read_property("silence_is_data")); });
  const std::size_t given = heard_.tags.size();
  heard_.listen(*tagger_, 2);
  EXPECT_EQ(heard_.tags.size(), given);
  EXPECT_FALSE(std::get<bool>(*tagger_->read_property("silence_is_data")));
  EXPECT_LT(seconds_of([&] { EXPECT_EQ(code_of(tagger_->stop()), Code::timeout); }), 15.0);
}

TEST_F(LectroticFault, UnplugWhileIdleIsSeenByEveryCall) {
  bench_.unplug(*tagger_);
  EXPECT_EQ(code_of(tagger_->start()), Code::disconnected);
  EXPECT_EQ(code_of(tagger_->count_rates()), Code::disconnected);
}

TEST_F(LectroticFault, UnplugWithinTheFirstRecordEndsTheStream) {
  inject({FaultKind::unplug, FaultSide::from_device, 3, 1, {}, 0});
  ASSERT_TRUE(succeeds(tagger_->start()));
  heard_.listen(*tagger_, 20);
  EXPECT_EQ(heard_.last, StreamStatus::disconnected);
  EXPECT_TRUE(heard_.tags.empty());
}

TEST_F(LectroticFault, UnplugWhileStoppingDoesNotHang) {
  start();
  inject({FaultKind::unplug, FaultSide::to_device, 3, 1, {}, 0});
  EXPECT_LT(seconds_of([&] { (void)tagger_->stop(); }), 15.0);
  ASSERT_TRUE(test::until([&] { return tagger_->link() == hal::Link::disconnected; }));
  heard_.listen(*tagger_, 20);
  EXPECT_EQ(heard_.last, StreamStatus::disconnected);
}

TEST_F(LectroticFault, UnplugDuringAQuestionIsADisconnect) {
  inject({FaultKind::unplug, FaultSide::to_device, 2, 1, {}, 0});
  EXPECT_EQ(code_of(tagger_->self_test({})), Code::disconnected);
}

TEST_F(LectroticFault, AWrongAnswerIsATimeoutAndNotAValue) {
  inject({FaultKind::corrupt, FaultSide::from_device, 0, 60, {}, 0x20});
  EXPECT_EQ(code_of(tagger_->self_test({std::chrono::steady_clock::now() + std::chrono::milliseconds(300)})),
            Code::timeout);
}

TEST_F(LectroticFault, ASettingThatIsNotTakenIsRefused) {
  inject({FaultKind::corrupt, FaultSide::to_device, 0, 1, {}, 0x01});
  const auto written = tagger_->write_property("divider_0", std::int64_t{3});
  ASSERT_EQ(code_of(written), Code::refused);
  EXPECT_NE(written.error().message.find("Undefined header"), std::string::npos);
}

TEST_F(LectroticFault, AFailedReferenceEndsTheRunAndSaysWhatToDo) {
  start();
  bench_.tty().locked([&] { bench_.device().fail_reference(); });
  heard_.listen(*tagger_, 20);
  EXPECT_EQ(heard_.last, StreamStatus::stopped);
  const auto stopped = tagger_->stop();
  ASSERT_EQ(code_of(stopped), Code::hardware_fault);
  EXPECT_NE(stopped.error().message.find("press its reset"), std::string::npos);
  EXPECT_EQ(code_of(tagger_->start()), Code::hardware_fault);
  bench_.unplug(*tagger_);
  bench_.replug(*tagger_, "ttyACM4");
  EXPECT_TRUE(succeeds(tagger_->start()));
}

TEST_F(LectroticFault, GoesOnInTimeUnderAnotherPortName) {
  start();
  const std::int64_t before = heard_.tags.back().ticks;
  bench_.unplug(*tagger_);
  bench_.replug(*tagger_, "ttyACM3");
  EXPECT_EQ(tagger_->info().port, "/dev/ttyACM3");
  heard_ = {};
  ASSERT_TRUE(succeeds(tagger_->start()));
  heard_.listen(*tagger_, 20, [&] { return heard_.tags.size() > 100; });
  ASSERT_GT(heard_.tags.size(), 100u);
  EXPECT_GT(heard_.tags[0].ticks, before);
}

}  // namespace
}  // namespace nicol::hal_contract
