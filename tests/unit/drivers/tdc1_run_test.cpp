// SPDX-License-Identifier: Apache-2.0
// A run of the TDC1 against its emulator in virtual time: exact tags, and honest bounds when something is lost.
#include "drivers/tdc1/run.hpp"

#include <gtest/gtest.h>

#include "sim/emulators/tdc1.hpp"
#include "tests/hal_contract/stream_checker.hpp"

namespace nicol::tdc1 {
namespace {

using namespace std::chrono_literals;
using hal::LossCause;
using hal::StreamStatus;

using TheRun = Run;  // gtest has a Run of its own
constexpr SteadyTime kZero{std::chrono::hours(100)};

class Tdc1Run : public testing::Test {
 protected:
  void plug(sim::Tdc1Options options) {
    device_ = std::make_unique<sim::Tdc1Emulator>(std::move(options));
    auto queue = tags::TagQueue::create({1 << 14, 64});
    ASSERT_TRUE(queue.ok());
    queue_ = *std::move(queue);
    run_ = std::make_unique<TheRun>(*queue_);
  }
  void tell(std::string_view command) {
    const std::string text = line(command, Terminator::once);
    device_->receive(std::vector<std::uint8_t>(text.begin(), text.end()), now_);
    if (command.starts_with("status")) ++asked_;
  }
  SteadyTime host() const { return kZero + std::chrono::nanoseconds(now_.count / 1000); }

  void start(const Software& software = {}, OverflowWatch watch = OverflowWatch::in_stream) {
    run_->begin(software, watch, host());
    tell(start_command({}, {}));
  }
  void stop() {
    run_->stopping(host());
    tell(kStopAndAsk);
    step();
    if (run_->running()) run_->stop_unanswered();
    read_all();
  }
  void step() {
    now_ += Picoseconds::seconds(0.005);
    std::vector<std::uint8_t> bytes;
    device_->collect(bytes, now_);
    for (const std::size_t at : slips_)
      if (at >= passed_ && at < passed_ + bytes.size())
        bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at - passed_));
    passed_ += bytes.size();
    if (!bytes.empty()) run_->feed(bytes, host());
    using Command = TheRun::Command;
    switch (run_->next_command(host())) {
      case Command::ask_status:
        tell("status?");
        break;
      case Command::flush:
        tell("INPKT");
        break;
      case Command::give_up:
        tell(kStopAndAsk);
        break;
      case Command::start:
        tell(start_command({}, {}));
        break;
      case Command::none:
        break;
    }
    read_all();
  }
  void pass(std::chrono::milliseconds d) {
    for (const Picoseconds end = now_ + Picoseconds::seconds(std::chrono::duration<double>(d).count()); now_ < end;)
      step();
  }
  void read_all() {
    std::array<hal::TimeTag, 512> tags{};
    std::array<hal::LossInterval, 4> losses{};
    hal::TagBlock block;
    block.storage = tags;
    block.loss_storage = losses;
    while (true) {
      status_ = queue_->acquire(block, {std::chrono::steady_clock::now()});
      checker_.see(status_, block);
      tags_.insert(tags_.end(), block.tags().begin(), block.tags().end());
      losses_.insert(losses_.end(), block.losses().begin(), block.losses().end());
      if (status_ != StreamStatus::ok && status_ != StreamStatus::overflow) return;
    }
  }
  void expect_contract() {
    for (const auto& violation : checker_.violations()) ADD_FAILURE() << violation;
  }
  bool lost(std::int64_t tick) const {
    return std::any_of(losses_.begin(), losses_.end(), [&](const auto& l) { return tick >= l.begin && tick < l.end; });
  }

  std::unique_ptr<sim::Tdc1Emulator> device_;
  std::unique_ptr<tags::TagQueue> queue_;
  std::unique_ptr<TheRun> run_;
  Picoseconds now_{};
  std::vector<std::size_t> slips_;
  std::size_t passed_ = 0;
  int asked_ = 0;
  StreamStatus status_ = StreamStatus::stopped;
  hal_contract::StreamChecker checker_;
  std::vector<hal::TimeTag> tags_;
  std::vector<hal::LossInterval> losses_;
};

std::vector<sim::Tdc1Tag> ladder(int n, std::int64_t step_ps) {
  std::vector<sim::Tdc1Tag> tags;
  for (int i = 0; i < n; ++i) tags.push_back({{i * step_ps}, static_cast<unsigned>(i % 4)});
  return tags;
}

TEST_F(Tdc1Run, DeliversEveryTagExactlyThroughWraps) {
  plug({});
  start();
  device_->add_tags(ladder(2000, 1'000'000'000));  // 2 s: seven wraps
  pass(2100ms);
  stop();
  expect_contract();
  EXPECT_TRUE(losses_.empty());
  ASSERT_EQ(tags_.size(), 2000u);
  for (std::size_t i = 0; i < tags_.size(); ++i)
    ASSERT_EQ(tags_[i], (hal::TimeTag{static_cast<std::int64_t>(i) * 500'000, static_cast<std::uint16_t>(i % 4), 0}));
  EXPECT_EQ(status_, StreamStatus::stopped);
}

TEST_F(Tdc1Run, KeepsTimeInTheDarkByDummiesAlone) {
  plug({});
  start();
  pass(3000ms);
  device_->add_tags({{{3'000'000'000'000}, 2}});
  pass(300ms);
  stop();
  EXPECT_TRUE(losses_.empty());
  ASSERT_EQ(tags_.size(), 1u);
  EXPECT_EQ(tags_[0].ticks, 1'500'000'000);
}

TEST_F(Tdc1Run, GivesOneTagAnInputOfAWordAndSaysTheyCameTogether) {
  plug({});
  start();
  device_->add_tags({{{10'000}, 0}, {{10'500}, 3}, {{20'000}, 1}});
  pass(300ms);
  stop();
  ASSERT_EQ(tags_.size(), 3u);
  EXPECT_EQ(tags_[0], (hal::TimeTag{5, 0, hal::kTagSimultaneous}));
  EXPECT_EQ(tags_[1], (hal::TimeTag{5, 3, hal::kTagSimultaneous}));
  EXPECT_EQ(tags_[2], (hal::TimeTag{10, 1, 0}));
}

TEST_F(Tdc1Run, DelaysAndDisablesInputs) {
  plug({});
  Software software;
  software.enabled[1] = false;
  software.delay_ticks = {100, 0, -50, 0};
  start(software);
  device_->add_tags({{{20'000}, 0}, {{24'000}, 1}, {{200'000}, 2}, {{204'000}, 3}});
  pass(300ms);
  stop();
  expect_contract();
  ASSERT_EQ(tags_.size(), 3u);
  EXPECT_EQ(tags_[0], (hal::TimeTag{50, 2, 0}));
  EXPECT_EQ(tags_[1], (hal::TimeTag{102, 3, 0}));
  EXPECT_EQ(tags_[2], (hal::TimeTag{110, 0, 0}));
}

TEST_F(Tdc1Run, ReportsAnOverflowBeforeAnyLaterTag) {
  sim::Tdc1Options options;
  options.fifo_words = 100;
  options.drained_hz = 1e5;
  plug(options);
  start();
  pass(300ms);
  const std::int64_t burst = device_->run_time(now_).count;
  auto tags = ladder(1000, 10'000);
  for (auto& tag : tags) tag.time += Picoseconds{burst};
  device_->add_tags(tags);
  pass(500ms);
  stop();
  expect_contract();
  EXPECT_GT(device_->lost_words(), 0u);
  EXPECT_GE(checker_.overflows(), 1u);
  for (std::int64_t i = 0; i < 1000; ++i) {
    const std::int64_t tick = (burst + i * 10'000) / 2000;
    const bool there = std::any_of(tags_.begin(), tags_.end(), [&](const auto& t) { return t.ticks == tick; });
    ASSERT_TRUE(there || lost(tick)) << i;
  }
  EXPECT_EQ(run_->restarts(), 0u);
}

TEST_F(Tdc1Run, StartsAgainWhenTheOverflowBitStays) {
  sim::Tdc1Options options;
  options.fifo_words = 10;
  options.drained_hz = 1e5;
  options.overflow_bit = sim::Tdc1OverflowBit::stays;
  plug(options);
  start();
  device_->add_tags(ladder(100, 10'000));
  pass(2000ms);
  stop();
  expect_contract();
  EXPECT_EQ(run_->restarts(), 1u);
  EXPECT_FALSE(losses_.empty());
}

TEST_F(Tdc1Run, LosesOnlyTheIntervalOfASlippedByteAndStartsAgain) {
  for (std::size_t slip = 4000; slip < 4008; ++slip) {
    now_ = {};
    tags_.clear();
    losses_.clear();
    checker_ = {};
    passed_ = 0;
    slips_ = {slip};
    sim::Tdc1Options options;
    options.light = sim::poisson_light({1e4, 1e4, 1e4, 1e4}, 7);
    plug(options);
    start();
    pass(1500ms);
    stop();
    expect_contract();
    EXPECT_EQ(run_->restarts(), 1u);
    ASSERT_FALSE(losses_.empty());
    EXPECT_EQ(losses_[0].cause, LossCause::corrupt);
    EXPECT_LT(losses_[0].end - losses_[0].begin, 300'000'000) << "0.6 s";
    std::int64_t covered = 0;
    for (const auto& loss : losses_) covered += loss.end - loss.begin;
    const double seconds = static_cast<double>(tags_.back().ticks - covered) * 2e-9;
    EXPECT_NEAR(static_cast<double>(tags_.size()), 4e4 * seconds, 0.05 * 4e4 * seconds);
  }
}

TEST_F(Tdc1Run, NoTagOfTheWrongTimeGetsThroughASlip) {
  sim::Tdc1Options options;
  plug(options);
  slips_ = {4001};
  start();
  device_->add_tags(ladder(4000, 100'000'000));  // one in 100 us
  pass(600ms);
  stop();
  for (const auto& tag : tags_) ASSERT_EQ(tag.ticks % 50'000, 0) << "no tag was made then";
}

TEST_F(Tdc1Run, FallsBackToTheStopWhereTheDeviceDoesNotAnswerInTheStream) {
  sim::Tdc1Options options;
  options.in_stream = sim::Tdc1StatusInStream::silent;
  options.fifo_words = 10;
  options.drained_hz = 1e5;
  plug(options);
  start();
  device_->add_tags(ladder(2000, 1'000'000'000));
  pass(2100ms);
  EXPECT_EQ(run_->watch(), OverflowWatch::at_stop);
  EXPECT_GT(tags_.size(), 1000u);
  auto burst = ladder(100, 10'000);
  for (auto& tag : burst) tag.time += device_->run_time(now_);
  device_->add_tags(burst);
  pass(20ms);
  stop();
  EXPECT_TRUE(run_->overflow_at_stop());
}

TEST_F(Tdc1Run, NoticesADeviceThatMissesWraps) {
  sim::Tdc1Options options;
  options.mutant = sim::Tdc1Mutant::misses_wraps;
  options.light = sim::poisson_light({1e4, 0, 0, 0}, 3);
  plug(options);
  start();
  pass(2000ms);
  EXPECT_GE(run_->restarts(), 1u);
  EXPECT_FALSE(losses_.empty());
}

TEST_F(Tdc1Run, GivesUpASilentStream) {
  sim::Tdc1Options options;
  options.dummy_every = Picoseconds::seconds(1000);
  plug(options);
  start();
  pass(2000ms);
  EXPECT_GE(run_->restarts(), 1u);
  EXPECT_STREQ(run_->last_trouble(), "no word for 200 ms, not even a dummy");
}

TEST_F(Tdc1Run, GoesOnInTimeWhenStartedAgain) {
  plug({});
  start();
  pass(1000ms);
  stop();
  const std::int64_t edge = queue_->edge();
  start();
  checker_ = {};
  pass(300ms);
  EXPECT_GE(queue_->edge(), edge);
}

TEST_F(Tdc1Run, CountsRatesOverTheTimeOfTheStream) {
  sim::Tdc1Options options;
  options.light = sim::poisson_light({1e4, 2e4, 0, 0}, 11);
  plug(options);
  start();
  pass(1000ms);
  const auto rates = run_->rates();
  EXPECT_NEAR(rates[0], 1e4, 500);
  EXPECT_NEAR(rates[1], 2e4, 700);
  EXPECT_EQ(rates[2], 0);
}

}  // namespace
}  // namespace nicol::tdc1
