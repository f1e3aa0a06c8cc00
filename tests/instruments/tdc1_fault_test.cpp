// SPDX-License-Identifier: Apache-2.0
// The TDC1 driver while everything goes wrong: no hang, no crash, no tag of a wrong time, and an error that helps.
#include "tests/hal_contract/fixture.hpp"
#include "tests/instruments/tdc1_bench.hpp"

namespace nicol::hal_contract {
namespace {

using hal::StreamStatus;
using sim::FaultKind;
using sim::FaultSide;
using test::Heard;
using test::seconds_of;
using test::Tdc1Bench;

sim::Tdc1Options lit(double rate = 3e3) {
  sim::Tdc1Options options;
  options.light = sim::poisson_light({rate, rate, rate, rate}, 17);
  return options;
}

TEST(Tdc1Faults, APortThatSaysNothingIsRefusedInTimeWithAWayOut) {
  sim::Tdc1Options options;
  options.terminator = sim::Tdc1Terminator::twice;
  Tdc1Bench bench(options);
  Result<std::unique_ptr<hal::Device>> made = Error{};
  EXPECT_LT(seconds_of([&] { made = bench.make(); }), 15.0);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, Code::not_found);
  EXPECT_NE(made.error().message.find("terminator=twice"), std::string::npos);
  EXPECT_TRUE(succeeds(bench.make({{"terminator", "twice"}})));
}

/// A fault on what the device says, and how the stream shows it.
struct StreamFault {
  std::string name;
  FaultKind kind = FaultKind::drop;
  std::uint64_t count = 1;
};
class Tdc1StreamFault : public testing::TestWithParam<StreamFault> {};

TEST_P(Tdc1StreamFault, CostsAnIntervalAndTheRunGoesOn) {
  Tdc1Bench bench(lit());
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  Heard heard;
  heard.listen(*tagger, 20, [&] { return heard.tags.size() > 2000; });
  EXPECT_TRUE(heard.losses.empty());
  bench.tty().set_faults({{GetParam().kind, FaultSide::from_device, 1001, GetParam().count, {}, 0x40}});
  heard.listen(*tagger, 20, [&] { return !heard.losses.empty(); });
  ASSERT_FALSE(heard.losses.empty());
  EXPECT_FALSE(heard.losses[0].lost_known);
  const std::size_t before = heard.tags.size();
  heard.listen(*tagger, 20, [&] { return heard.tags.size() > before + 2000; });
  EXPECT_GT(heard.tags.size(), before + 2000);
  EXPECT_TRUE(std::is_sorted(heard.tags.begin(), heard.tags.end(),
                             [](const auto& a, const auto& b) { return a.ticks < b.ticks; }));
  EXPECT_GE(std::get<std::int64_t>(*tagger->read_property("restarts")), 1);
  EXPECT_TRUE(succeeds(tagger->stop()));
}

INSTANTIATE_TEST_SUITE_P(Faults, Tdc1StreamFault,
                         testing::Values(StreamFault{"Drop", FaultKind::drop, 1},
                                         StreamFault{"Duplicate", FaultKind::duplicate, 1},
                                         StreamFault{"Garbage", FaultKind::garbage, 37}),
                         [](const auto& fault) { return fault.param.name; });

TEST(Tdc1Faults, ALineThatStallsIsToldAsALoss) {
  Tdc1Bench bench(lit());
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  Heard heard;
  heard.listen(*tagger, 20, [&] { return heard.tags.size() > 1000; });
  bench.tty().set_faults({{FaultKind::stall, FaultSide::from_device, 100, 1, {}, 0}});
  const std::size_t before = heard.tags.size();
  heard.listen(*tagger, 20, [&] { return !heard.losses.empty(); });
  ASSERT_FALSE(heard.losses.empty());
  EXPECT_LT(heard.tags.size() - before, 5000u) << "a hundred bytes, and what was under way";
  EXPECT_LT(seconds_of([&] { (void)tagger->stop(); }), 15.0);
}

TEST(Tdc1Faults, LateBytesCostNothing) {
  Tdc1Bench bench(lit());
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  Heard heard;
  heard.listen(*tagger, 20, [&] { return heard.tags.size() > 1000; });
  bench.tty().set_faults({{FaultKind::late, FaultSide::from_device, 1000, 2000, Picoseconds::seconds(0.03), 0}});
  heard.listen(*tagger, 20, [&] { return heard.tags.size() > 10'000; });
  EXPECT_GT(heard.tags.size(), 10'000u);
  EXPECT_TRUE(heard.losses.empty());
}

TEST(Tdc1Faults, UnplugWhileIdleIsSeenByEveryCall) {
  Tdc1Bench bench;
  const auto tagger = bench.open();
  bench.unplug(*tagger);
  EXPECT_EQ(code_of(tagger->start()), Code::disconnected);
  EXPECT_EQ(code_of(tagger->count_rates()), Code::disconnected);
}

TEST(Tdc1Faults, UnplugAtTheFirstWordEndsTheStream) {
  Tdc1Bench bench(lit());
  const auto tagger = bench.open();
  bench.tty().set_faults({{FaultKind::unplug, FaultSide::from_device, 2, 1, {}, 0}});
  ASSERT_TRUE(succeeds(tagger->start()));
  Heard heard;
  heard.listen(*tagger, 20);
  EXPECT_EQ(heard.last, StreamStatus::disconnected);
  EXPECT_TRUE(heard.tags.empty()) << "nothing was confirmed";
}

TEST(Tdc1Faults, UnplugWithinTheStartCommandIsADisconnect) {
  Tdc1Bench bench(lit());
  const auto tagger = bench.open();
  bench.tty().set_faults({{FaultKind::unplug, FaultSide::to_device, 10, 1, {}, 0}});
  (void)tagger->start();  // may have been written before the cable went
  Heard heard;
  heard.listen(*tagger, 20);
  EXPECT_TRUE(test::until([&] { return tagger->link() == hal::Link::disconnected; }));
}

TEST(Tdc1Faults, UnplugWhileStoppingDoesNotHang) {
  Tdc1Bench bench(lit());
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  Heard heard;
  heard.listen(*tagger, 20, [&] { return heard.tags.size() > 500; });
  bench.tty().set_faults({{FaultKind::unplug, FaultSide::to_device, 3, 1, {}, 0}});
  EXPECT_LT(seconds_of([&] { (void)tagger->stop(); }), 15.0);
  ASSERT_TRUE(test::until([&] { return tagger->link() == hal::Link::disconnected; }));
  heard.listen(*tagger, 20);
  EXPECT_EQ(heard.last, StreamStatus::disconnected);
}

TEST(Tdc1Faults, UnplugDuringAQuestionIsADisconnect) {
  Tdc1Bench bench;
  const auto tagger = bench.open();
  bench.tty().set_faults({{FaultKind::unplug, FaultSide::to_device, 2, 1, {}, 0}});
  const auto result = tagger->self_test({std::chrono::steady_clock::now() + std::chrono::seconds(5)});
  EXPECT_EQ(code_of(result), Code::disconnected);
}

TEST(Tdc1Faults, AStopThatIsNotAnsweredIsBounded) {
  Tdc1Bench bench(lit());
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  Heard heard;
  heard.listen(*tagger, 20, [&] { return heard.tags.size() > 500; });
  bench.tty().set_faults({{FaultKind::drop, FaultSide::to_device, 0, 100'000, {}, 0}});
  Result<void> stopped;
  EXPECT_LT(seconds_of([&] { stopped = tagger->stop(); }), 15.0);
  EXPECT_EQ(code_of(stopped), Code::timeout);
  heard.listen(*tagger, 20);
  EXPECT_EQ(heard.last, StreamStatus::stopped);
}

/// It did not hear the stop, and goes on streaming: any byte of a word could be text.
class Tdc1ThatWasNotStopped : public testing::Test {
 protected:
  void SetUp() override {
    identity_ = identity();
    ASSERT_TRUE(succeeds(tagger_->start()));
    heard_.listen(*tagger_, 20, [&] { return heard_.tags.size() > 500; });
    deafen();
    ASSERT_EQ(code_of(tagger_->stop()), Code::timeout);
    ASSERT_TRUE(bench_.look([](auto& d) { return d.streaming(); }));
  }
  void deafen() { bench_.tty().set_faults({{FaultKind::drop, FaultSide::to_device, 0, 100'000, {}, 0}}); }
  std::string identity() {
    const auto items = tagger_->self_test({std::chrono::steady_clock::now() + std::chrono::seconds(20)});
    return items ? items->front().detail : describe(items.error());
  }
  Tdc1Bench bench_{lit()};
  std::unique_ptr<hal::TimeTagger> tagger_ = bench_.open();
  Heard heard_;
  std::string identity_;
};

TEST_F(Tdc1ThatWasNotStopped, IsMadeQuietBeforeItIsAskedAnything) {
  bench_.tty().set_faults({});
  EXPECT_EQ(identity(), identity_);
  EXPECT_FALSE(bench_.look([](auto& d) { return d.streaming(); }));
}

TEST_F(Tdc1ThatWasNotStopped, IsMadeQuietBeforeItIsStartedAgain) {
  bench_.tty().set_faults({});
  const auto runs = bench_.look([](auto& d) { return d.runs(); });
  ASSERT_TRUE(succeeds(tagger_->start()));
  Heard heard;
  heard.listen(*tagger_, 20, [&] { return heard.tags.size() > 5000; });
  EXPECT_TRUE(heard.losses.empty());
  EXPECT_EQ(bench_.look([](auto& d) { return d.runs(); }), runs + 1);
  EXPECT_TRUE(succeeds(tagger_->stop()));
}

TEST_F(Tdc1ThatWasNotStopped, IsNotAskedWhileItGoesOnStreaming) {
  const std::string answer = identity();
  EXPECT_NE(answer.find("goes on streaming"), std::string::npos) << answer;
  EXPECT_EQ(code_of(tagger_->start()), Code::timeout);
}

TEST(Tdc1Faults, AWrongAnswerIsATimeoutAndNotAValue) {
  Tdc1Bench bench;
  const auto tagger = bench.open();
  bench.tty().set_faults({{FaultKind::corrupt, FaultSide::from_device, 0, 40, {}, 0x20}});
  const auto result = tagger->self_test({std::chrono::steady_clock::now() + std::chrono::milliseconds(300)});
  EXPECT_EQ(code_of(result), Code::timeout);
}

TEST(Tdc1Faults, ADeviceThatDoesNotAnswerInTheStreamSaysItsOverflowAtTheStop) {
  sim::Tdc1Options options = lit();
  options.in_stream = sim::Tdc1StatusInStream::silent;
  options.fifo_words = 1000;
  options.drained_hz = 2e5;
  Tdc1Bench bench(options);
  const auto tagger = bench.open();
  ASSERT_TRUE(succeeds(tagger->start()));
  Heard heard;
  heard.listen(*tagger, 20, [&] { return heard.tags.size() > 10'000; });
  EXPECT_EQ(std::get<std::string>(*tagger->read_property("overflow_shows")), "at stop");
  bench.make_tags(5000, 10'000);
  heard.listen(*tagger, 0.1);
  EXPECT_EQ(code_of(tagger->stop()), Code::overflow);
}

}  // namespace
}  // namespace nicol::hal_contract
