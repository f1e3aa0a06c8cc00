// SPDX-License-Identifier: Apache-2.0
// Runs of the LectroTIC-4 against its emulator in virtual time: what is complete, what was lost, and how it goes on.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "drivers/lectrotic/run.hpp"
#include "sim/emulators/lectrotic.hpp"
#include "tests/hal_contract/stream_checker.hpp"

namespace nicol::lectrotic {
namespace {

using namespace std::chrono_literals;
using hal::LossCause;
using TaggerRun = Run;  // testing::Test has a Run of its own

class LectroticRun : public testing::Test {
 protected:
  void plug(sim::LectroticOptions options = {}) {
    device_ = std::make_unique<sim::LectroticEmulator>(std::move(options));
    if (!queue_) queue_ = *tags::TagQueue::create({1 << 16, 256});
    if (!run_) run_ = std::make_unique<TaggerRun>(*queue_);
  }
  void start(const Software& software = {}) {
    run_->begin(software, host());
    tell(start_command({}));
  }
  void tell(std::string_view text) {
    device_->receive({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, now_);
  }
  SteadyTime host() const { return SteadyTime(std::chrono::nanoseconds(now_.count / 1000)) + 1h; }
  void pass(std::chrono::milliseconds time) {
    for (auto t = 0ms; t < time; t += 5ms) {
      now_ += Picoseconds::seconds(5e-3);
      listen();
      switch (run_->next_command(host())) {
        case TaggerRun::Command::none:
          break;
        case TaggerRun::Command::ask_identity:
          tell(kAskIdentity);
          ++questions_;
          break;
        case TaggerRun::Command::clear:
          tell(kClearAndGo);
          break;
      }
      take();
    }
  }
  void listen() {
    std::vector<std::uint8_t> bytes;
    if (!cut_off_) device_->collect(bytes, now_);
    for (std::size_t i = 0; i < slips_.size(); ++i)
      if (slips_[i] >= passed_ && slips_[i] < passed_ + bytes.size())
        bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(slips_[i] - passed_));
    passed_ += bytes.size();
    run_->feed(bytes, host());
  }
  void stop() {
    run_->stopping();
    tell(kStopAndAsk);
    listen();
    take();
  }
  void take() {
    std::vector<hal::TimeTag> tags(512);
    std::vector<hal::LossInterval> losses(8);
    hal::TagBlock block;
    block.storage = tags;
    block.loss_storage = losses;
    for (auto status = hal::StreamStatus::ok;
         status == hal::StreamStatus::ok || status == hal::StreamStatus::overflow;) {
      status = queue_->acquire(block, {SteadyTime() + 1ns});
      checker_.see(status, block);
      last_ = status;
      if (status == hal::StreamStatus::timeout) complete_ = block.t_end;
      tags_.insert(tags_.end(), block.tags().begin(), block.tags().end());
      losses_.insert(losses_.end(), block.losses().begin(), block.losses().end());
    }
  }
  void pulses(std::size_t count, std::int64_t apart_ps, std::size_t inputs = 4) {
    std::vector<sim::Tdc1Tag> list;
    for (std::size_t i = 0; i < count; ++i)
      list.push_back(
          {now_ + Picoseconds{1'000'000 + static_cast<std::int64_t>(i) * apart_ps}, static_cast<unsigned>(i % inputs)});
    device_->add_tags(std::move(list));
  }
  void expect_contract() {
    for (const auto& violation : checker_.violations()) ADD_FAILURE() << violation;
  }
  static sim::LectroticOptions lit(double rate = 2e3) {
    sim::LectroticOptions options;
    options.light = sim::poisson_light({rate, rate, rate, rate}, 5);
    return options;
  }

  Picoseconds now_;
  std::unique_ptr<sim::LectroticEmulator> device_;
  std::unique_ptr<tags::TagQueue> queue_;
  std::unique_ptr<TaggerRun> run_;
  hal_contract::StreamChecker checker_;
  std::vector<hal::TimeTag> tags_;
  std::vector<hal::LossInterval> losses_;
  std::vector<std::size_t> slips_;
  std::size_t passed_ = 0;
  std::int64_t complete_ = 0;
  int questions_ = 0;
  bool cut_off_ = false;
  hal::StreamStatus last_ = hal::StreamStatus::ok;
};

TEST_F(LectroticRun, GivesEveryPulseOfEveryInputInOrder) {
  plug();
  start();
  pulses(2000, 1'000'000'000);
  pass(3500ms);
  expect_contract();
  ASSERT_EQ(tags_.size(), 2000u);
  EXPECT_TRUE(losses_.empty());
  for (std::size_t i = 0; i < 2000; ++i) {
    ASSERT_EQ(tags_[i].channel, i % 4);
    ASSERT_EQ(tags_[i].ticks, static_cast<std::int64_t>(i) * 250'000);
  }
}

TEST_F(LectroticRun, ClaimsNothingOfTheLastHalfSecond) {
  plug(lit());
  start();
  for (int i = 0; i < 20; ++i) {
    pass(100ms);
    EXPECT_LE(complete_, std::max<std::int64_t>(0, now_.count / 4000 - TaggerRun::kSettle));
  }
  EXPECT_GT(tags_.size(), 8000u);
  expect_contract();
}

TEST_F(LectroticRun, AsksInSilenceAndTakesTheAnswerForDarkness) {
  plug();
  start();
  pulses(4, 1'000'000);
  pass(4000ms);
  EXPECT_EQ(tags_.size(), 4u);
  EXPECT_GT(questions_, 3);
  EXPECT_GT(complete_, 2 * kTicksPerSecond);
  EXPECT_LT(complete_, 4 * kTicksPerSecond);
  expect_contract();
}

TEST_F(LectroticRun, TakesSilenceForNothingWhereTheDeviceDoesNotAnswer) {
  sim::LectroticOptions options;
  options.in_stream = sim::LectroticInStream::silent;
  plug(options);
  start();
  pulses(4, 1'000'000);
  pass(4000ms);
  EXPECT_EQ(complete_, 0);
  EXPECT_FALSE(run_->answers_in_stream());
  EXPECT_EQ(questions_, 1);
}

TEST_F(LectroticRun, TellsABufferThatRanOverBeforeAnyLaterTag) {
  sim::LectroticOptions options;
  options.buffer = 1000;
  plug(options);
  start();
  pulses(5000, 1'000'000);
  pass(3000ms);
  pulses(10, 1'000'000);
  pass(3000ms);
  expect_contract();
  ASSERT_FALSE(losses_.empty());
  std::uint64_t told = 0;
  for (const auto& loss : losses_) {
    EXPECT_EQ(loss.cause, LossCause::fifo_overflow);
    EXPECT_TRUE(loss.lost_known);
    told += loss.lost;
  }
  EXPECT_EQ(told, device_->lost());
  EXPECT_EQ(tags_.size() + told, 5010u);
  EXPECT_FALSE(run_->told_too_late());
}

TEST_F(LectroticRun, DoesNotKnowHowManyPulsesWereTooClose) {
  plug();
  start();
  pulses(20, 10'000, 1);
  pass(3000ms);
  ASSERT_EQ(losses_.size(), 1u);
  EXPECT_EQ(losses_[0].cause, LossCause::rate_limit);
  EXPECT_FALSE(losses_[0].lost_known);
  EXPECT_EQ(losses_[0].channels, 1u);
}

TEST_F(LectroticRun, SaysSoWhenAnOverflowWasToldTooLate) {
  sim::LectroticOptions options = lit(100);
  options.buffer = 1000;
  plug(options);
  start();
  pass(500ms);
  pulses(3000, 1'000'000);
  pass(2000ms);
  EXPECT_FALSE(run_->told_too_late()) << "the light goes on, so the device has not said it";
  sim::Tdc1Light dark;
  device_->set_light(dark);
  pass(1000ms);
  EXPECT_TRUE(run_->told_too_late());
  expect_contract();
}

TEST_F(LectroticRun, DoesNotTrustABufferThatMayHaveRunOver) {
  sim::LectroticOptions options = lit(50e3);
  options.mutant = sim::LectroticMutant::hides_losses;
  plug(options);
  start();
  pass(2000ms);
  EXPECT_GT(device_->lost(), 0u);
  ASSERT_FALSE(losses_.empty());
  for (std::size_t i = 1; i < losses_.size(); ++i) EXPECT_LE(losses_[i].begin, losses_[i - 1].end + 1);
  EXPECT_LT(losses_.front().begin, kTicksPerSecond / 5);
  EXPECT_EQ(losses_.front().cause, LossCause::rate_limit);
  expect_contract();
}

TEST_F(LectroticRun, TrustsTheBufferAtAModestRate) {
  plug(lit(7e3));
  start();
  pass(3000ms);
  EXPECT_TRUE(losses_.empty());
  EXPECT_GT(tags_.size(), 60'000u);
}

TEST_F(LectroticRun, DoesNotTrustRecordsThatCameLate) {
  plug(lit(500));
  start();
  pass(1000ms);
  cut_off_ = true;
  pass(500ms);
  cut_off_ = false;
  pass(1500ms);
  ASSERT_FALSE(losses_.empty());
  EXPECT_EQ(losses_[0].cause, LossCause::transport);
  expect_contract();
}

TEST_F(LectroticRun, ClearsTheStreamAndGoesOnAfterASlippedByte) {
  for (std::size_t slip = 20'000; slip < 20'008; ++slip) {
    now_ = {};
    tags_.clear();
    losses_.clear();
    checker_ = {};
    passed_ = 0;
    queue_.reset();
    run_.reset();
    slips_ = {slip};
    queue_ = *tags::TagQueue::create({1 << 16, 256});
    run_ = std::make_unique<TaggerRun>(*queue_);
    plug(lit());
    start();
    pass(3000ms);
    expect_contract();
    EXPECT_GE(run_->restarts(), 1u) << slip;
    ASSERT_FALSE(losses_.empty());
    EXPECT_EQ(losses_[0].cause, LossCause::corrupt);
    EXPECT_LT(losses_[0].end - losses_[0].begin, kTicksPerSecond) << slip;
    EXPECT_GT(tags_.size(), 10'000u);
  }
}

TEST_F(LectroticRun, NoTagOfTheWrongTimeGetsThroughASlip) {
  plug();
  slips_ = {1001};
  start();
  pulses(4000, 500'000'000);
  pass(4000ms);
  ASSERT_GT(tags_.size(), 1000u);
  for (const auto& tag : tags_) ASSERT_EQ((tag.ticks - tags_[0].ticks) % 125'000, 0) << "no pulse was made then";
}

TEST_F(LectroticRun, NoticesSecondsThatStandStill) {
  sim::LectroticOptions options = lit();
  options.mutant = sim::LectroticMutant::forgets_seconds;
  plug(options);
  start();
  pass(2500ms);
  EXPECT_GE(run_->restarts(), 1u);
  EXPECT_FALSE(losses_.empty());
}

TEST_F(LectroticRun, EndsWhenTheReferenceFails) {
  plug(lit());
  start();
  pass(1500ms);
  device_->fail_reference();
  pass(300ms);
  EXPECT_FALSE(run_->running());
  EXPECT_TRUE(run_->oscillator_failed());
  EXPECT_EQ(last_, hal::StreamStatus::stopped);
  EXPECT_FALSE(losses_.empty());
}

TEST_F(LectroticRun, StopsWhenTheDeviceHasAnswered) {
  plug(lit());
  start();
  pass(1500ms);
  stop();
  EXPECT_FALSE(run_->running());
  EXPECT_EQ(last_, hal::StreamStatus::stopped);
  expect_contract();
}

TEST_F(LectroticRun, KeepsTheDevicesTimeWhenStartedAgain) {
  plug();
  start();
  pulses(4, 1'000'000, 1);
  pass(1500ms);
  stop();
  pass(2000ms);
  checker_ = {};
  start();
  const std::int64_t expected = now_.count / 4000;  // the first pulse was tick zero, 1 us after the beginning
  pulses(4, 1'000'000, 1);
  pass(1500ms);
  ASSERT_EQ(tags_.size(), 8u);
  EXPECT_EQ(tags_[4].ticks, expected);
  ASSERT_FALSE(losses_.empty()) << "what was between the runs is not known";
  EXPECT_EQ(losses_.back().cause, LossCause::restarted);
  EXPECT_EQ(losses_.back().end, expected);
  expect_contract();
}

TEST_F(LectroticRun, GoesOnInTimeWhenTheDevicesClockBeganAnew) {
  plug(lit());
  start();
  pass(1500ms);
  run_->unplugged();
  take();
  device_->power_cycle();
  pass(1000ms);
  checker_ = {};
  const std::size_t before = tags_.size();
  start();
  pass(1500ms);
  ASSERT_GT(tags_.size(), before);
  EXPECT_NEAR(static_cast<double>(tags_[before].ticks) / 250e6, now_.seconds() - 1.5, 0.25);
  expect_contract();
}

TEST_F(LectroticRun, AppliesDelaysAndLeavesOutInputsThatAreOff) {
  plug();
  Software software;
  software.enabled = {true, false, true, true};
  software.delay_ticks = {0, 0, -500, 1000};
  start(software);
  pulses(400, 1'000'000);
  pass(2500ms);
  expect_contract();
  std::array<std::size_t, 4> counts{};
  for (const auto& tag : tags_) ++counts[tag.channel];
  EXPECT_EQ(counts[1], 0u);
  EXPECT_EQ(counts[3], 100u);
  const auto of = [&](std::uint16_t c) {
    return std::find_if(tags_.begin(), tags_.end(), [c](const auto& t) { return t.channel == c; })->ticks;
  };
  EXPECT_EQ(of(3) - of(0), 750 + 1000);
  EXPECT_EQ(of(2) - of(0), 500 - 500);
}

TEST_F(LectroticRun, CountsRatesOverTheTimeOfTheStream) {
  sim::LectroticOptions options;
  options.light = sim::poisson_light({4e3, 8e3, 0, 0}, 11);
  plug(options);
  start();
  pass(2000ms);
  const auto rates = run_->rates();
  EXPECT_NEAR(rates[0], 4e3, 300);
  EXPECT_NEAR(rates[1], 8e3, 400);
  EXPECT_EQ(rates[2], 0);
}

}  // namespace
}  // namespace nicol::lectrotic
