// SPDX-License-Identifier: Apache-2.0
// A run of the card against its emulator in virtual time: exact ticks, and honest bounds when something is lost.
#include "drivers/cqt-fx2/run.hpp"

#include <gtest/gtest.h>

#include "drivers/cqt-fx2/commands.hpp"
#include "sim/emulators/cqt_fx2.hpp"
#include "tests/hal_contract/stream_checker.hpp"

namespace nicol::cqt_fx2 {
namespace {

using hal::LossCause;
using hal::StreamStatus;
using TheRun = Run;  // gtest has a Run of its own

constexpr SteadyTime kZero{std::chrono::hours(100)};

class Fx2Run : public testing::Test {
 protected:
  void plug(sim::Fx2Options options = {}) {
    device_ = std::make_unique<sim::Fx2Emulator>(std::move(options));
    auto queue = tags::TagQueue::create({1 << 14, 64});
    ASSERT_TRUE(queue.ok());
    queue_ = *std::move(queue);
    run_ = std::make_unique<TheRun>(*queue_);
  }
  void tell(const std::vector<std::uint8_t>& packet) { device_->out(0x01, packet, now_); }
  SteadyTime host() const { return kZero + std::chrono::nanoseconds(now_.count / 1000); }
  void start(const Software& software = {}) {
    run_->begin(software, *PhaseTable::parse(sim::Fx2Emulator::phase_table()), host());
    begin_card();
  }
  void begin_card() {
    for (const Command command : {Command::reset_counter, Command::clear_buffers}) tell(packet(command));
    tell(packet(Command::autoflush, std::uint8_t{1}));
    for (const Command command : {Command::start, Command::sample}) tell(packet(command));
  }
  bool fifo_full() {
    tell(packet(Command::status, std::uint8_t{8}));
    std::array<std::uint8_t, 64> answer{};
    EXPECT_EQ(device_->in(0x81, answer, now_), 1);
    return answer[0] != 0;
  }
  void feed() {
    std::vector<std::uint8_t> bytes(1 << 16);
    for (int got = 1; got > 0;) {
      got = device_->in(0x82, bytes, now_);
      run_->feed(std::span(bytes).first(static_cast<std::size_t>(got)), host());
    }
  }
  void step(double seconds = 0.01) {
    now_ += Picoseconds::seconds(seconds);
    feed();
    if (run_->wants_restart()) {
      run_->restart(host());
      begin_card();
    }
    run_->checkpoint(fifo_full(), host(), host());
    read_all();
  }
  void steps(int count, double seconds = 0.01) {
    for (int i = 0; i < count; ++i) step(seconds);
  }
  void read_all() {
    std::vector<hal::TimeTag> tags(1 << 14);
    std::vector<hal::LossInterval> losses(16);
    hal::TagBlock block;
    block.storage = tags;
    block.loss_storage = losses;
    for (;;) {
      last_ = queue_->acquire(block, {std::chrono::steady_clock::time_point::min()});
      checker_.see(last_, block);
      tags_.insert(tags_.end(), block.tags().begin(), block.tags().end());
      losses_.insert(losses_.end(), block.losses().begin(), block.losses().end());
      complete_ = block.t_end;
      if (last_ != StreamStatus::ok && last_ != StreamStatus::overflow) return;
    }
  }
  /// Tags on the inputs in turn, this far apart, from the counter's now.
  void make_tags(std::size_t count, std::int64_t apart_ps) {
    const std::int64_t begin = device_->run_time(now_).count + 1'000'000;
    std::vector<sim::Fx2Tag> tags;
    for (std::size_t i = 0; i < count; ++i)
      tags.push_back({{begin + static_cast<std::int64_t>(i) * apart_ps}, static_cast<unsigned>(i % 4)});
    device_->add_tags(std::move(tags));
  }
  void expect_no_violation() { EXPECT_TRUE(checker_.violations().empty()) << checker_.violations().front(); }

  std::unique_ptr<sim::Fx2Emulator> device_;
  std::unique_ptr<tags::TagQueue> queue_;
  std::unique_ptr<TheRun> run_;
  Picoseconds now_{1'000'000'000};
  hal_contract::StreamChecker checker_;
  std::vector<hal::TimeTag> tags_;
  std::vector<hal::LossInterval> losses_;
  StreamStatus last_ = StreamStatus::ok;
  std::int64_t complete_ = 0;
};

TEST_F(Fx2Run, GivesEveryTagItsTickAndChannel) {
  plug();
  start();
  device_->add_tags({{{100'000}, 0}, {{200'125}, 1}, {{300'250}, 2}, {{400'375}, 3}});
  steps(10);
  ASSERT_EQ(tags_.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(tags_[i].channel, i);
    EXPECT_EQ(tags_[i].ticks, static_cast<std::int64_t>(800 * (i + 1) + i));
    EXPECT_EQ(tags_[i].flags, 0);
  }
  expect_no_violation();
}

TEST_F(Fx2Run, GivesOneTagAnInputOfAPattern) {
  plug();
  start();
  device_->add_tags({{{100'000}, 1}, {{100'010}, 3}});
  steps(10);
  ASSERT_EQ(tags_.size(), 2u);
  EXPECT_EQ(tags_[0].ticks, tags_[1].ticks);
  EXPECT_EQ(tags_[0].flags, hal::kTagSimultaneous);
  EXPECT_EQ(tags_[1].flags, hal::kTagSimultaneous);
}

TEST_F(Fx2Run, GoesOnOverTheWrapOfThe49BitTime) {
  plug();
  start();
  constexpr double kWrap = 70'368.744177664;
  for (int i = 0; i < 8; ++i) {  // events on the way, and one on each side of the wrap
    make_tags(1, 1000);
    step(i < 7 ? kWrap / 7.5 : 0.01);
    steps(5);
  }
  ASSERT_EQ(tags_.size(), 8u);
  for (std::size_t i = 1; i < 8; ++i) EXPECT_GT(tags_[i].ticks, tags_[i - 1].ticks);
  steps(1, kWrap / 7.5);
  make_tags(1, 1000);
  steps(10);
  ASSERT_EQ(tags_.size(), 9u);
  EXPECT_GT(tags_.back().ticks, static_cast<std::int64_t>(kTimeMask));
  EXPECT_TRUE(losses_.empty());
  expect_no_violation();
}

TEST_F(Fx2Run, KnowsThatNothingCameInTheDark) {
  plug();
  start();
  steps(100);
  EXPECT_EQ(last_, StreamStatus::timeout);
  EXPECT_GT(complete_, 5'000'000'000) << "0.6 s of one second are known to be empty";
  EXPECT_LT(complete_, 8'000'000'000);
  EXPECT_TRUE(losses_.empty());
}

TEST_F(Fx2Run, TellsAnOverflowBeforeTheTagsThatFollow) {
  plug();
  start();
  make_tags(20'000, 10'000);
  steps(20);
  ASSERT_FALSE(losses_.empty());
  EXPECT_EQ(losses_[0].cause, LossCause::fifo_overflow);
  EXPECT_GT(device_->lost_events(), 0u);
  expect_no_violation();
}

TEST_F(Fx2Run, TellsAnOverflowThatWasOverWhenTheCardWasAsked) {
  sim::Fx2Options options;
  options.mutant = sim::Fx2Mutant::hides_overflow;
  plug(options);
  start();
  make_tags(4000, 10'000);
  steps(20);
  EXPECT_GT(device_->lost_events(), 0u);
  ASSERT_FALSE(losses_.empty());
  EXPECT_EQ(losses_[0].cause, LossCause::fifo_overflow);
}

TEST_F(Fx2Run, TellsNoLossAtTwoMillionEventsASecond) {
  sim::Fx2Options options;
  options.light = sim::poisson_light({5e5, 5e5, 5e5, 5e5}, 3);
  plug(options);
  start();
  steps(30, 0.001);
  EXPECT_GT(tags_.size(), 40'000u);
  EXPECT_TRUE(losses_.empty());
  EXPECT_EQ(device_->lost_events(), 0u);
}

TEST_F(Fx2Run, PassesOverASpuriousWordAndTellsIt) {
  plug();
  start();
  make_tags(10, 1'000'000);
  steps(1);
  device_->add_raw({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f});
  make_tags(10, 1'000'000);
  steps(10);
  EXPECT_EQ(tags_.size(), 20u);
  EXPECT_EQ(run_->spurious(), 1u);
  ASSERT_EQ(losses_.size(), 1u);
  EXPECT_EQ(losses_[0].cause, LossCause::corrupt);
  EXPECT_EQ(run_->restarts(), 0u);
  expect_no_violation();
}

TEST_F(Fx2Run, BeginsAnewWhenBytesAreMissing) {
  for (std::size_t missing = 1; missing < 8; ++missing) {
    plug();
    start();
    make_tags(500, 1'000'000);
    steps(5);
    device_->lose_bytes(missing);
    make_tags(500, 1'000'000);
    steps(10);
    EXPECT_EQ(run_->restarts(), 1u) << missing;
    EXPECT_FALSE(losses_.empty());
    const std::size_t before = tags_.size();
    make_tags(500, 1'000'000);
    steps(10);
    EXPECT_EQ(tags_.size(), before + 500) << missing;
    checker_ = {};
    tags_.clear();
    losses_.clear();
  }
}

TEST_F(Fx2Run, SortsTagsThatAreDelayed) {
  plug();
  Software software;
  software.delay_ticks = {-40'000, 0, 40'000, 0};
  software.enabled[3] = false;
  start(software);
  steps(2);
  make_tags(400, 1'000'000);
  steps(60);
  EXPECT_EQ(tags_.size(), 300u);
  expect_no_violation();
}

TEST_F(Fx2Run, GoesOnInTimeWhenStartedAgain) {
  plug();
  start();
  make_tags(10, 1'000'000);
  steps(5);
  run_->finish();
  read_all();
  EXPECT_EQ(last_, StreamStatus::stopped);
  const std::int64_t before = tags_.back().ticks;
  now_ += Picoseconds::seconds(0.1);
  start();
  make_tags(10, 1'000'000);
  steps(5);
  ASSERT_EQ(tags_.size(), 20u);
  EXPECT_GT(tags_[10].ticks, before);
}

TEST_F(Fx2Run, CountsRatesByInput) {
  plug();
  start();
  make_tags(400, 1'000'000);
  steps(10);
  for (const double rate : run_->rates(host())) EXPECT_NEAR(rate, 1000, 1);
}

}  // namespace
}  // namespace nicol::cqt_fx2
