// SPDX-License-Identifier: Apache-2.0
// When bright light closes the receiver: after 100 ms of one second over a detector's limit, seen or drowned, and never
// before.
#include "controller/service/rate_guard.hpp"

#include <gtest/gtest.h>

#include <array>

#include "tests/unit/service/stub_detector.hpp"

namespace nicol::service {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000'000;  // ticks of 1 ps

/// Detectors 0 and 1 with a limit of 100 kHz, a sync channel without one.
hal::TimingLayout layout() {
  hal::TimingLayout t;
  for (std::uint16_t i = 0; i < 2; ++i) t.channels.push_back({i, hal::ChannelRole::detector, 0, 0, {}, {1e5}});
  t.channels.push_back({2, hal::ChannelRole::sync, 0, 0, {}, {1}});
  return t;
}

class AGuard : public testing::Test {
 protected:
  /// One millisecond with `count` evenly spaced tags.
  std::optional<RateGuard::OverRate> millisecond(std::uint16_t channel, std::size_t count,
                                                 std::optional<hal::LossInterval> loss = {}) {
    std::vector<hal::TimeTag> tags(count);
    for (std::size_t i = 0; i < count; ++i)
      tags[i] = {now_ + static_cast<std::int64_t>(i) * kMillisecond / static_cast<std::int64_t>(count), channel, 0};
    std::array<hal::LossInterval, 1> losses{};
    hal::TagBlock block;
    block.storage = tags;
    block.tag_count = count;
    if (loss) {
      losses[0] = *loss;
      block.loss_storage = losses;
      block.loss_count = 1;
    }
    block.t_begin = now_;
    block.t_end = now_ += kMillisecond;
    return guard_.see(block);
  }
  /// The next `ms` milliseconds are each lost for this cause.
  bool trips_while_lost(hal::LossCause cause, std::optional<std::uint64_t> lost, int ms = 150) {
    bool over = false;
    for (int i = 0; i < ms; ++i)
      over = millisecond(0, 5,
                         hal::LossInterval{now_, now_ + kMillisecond, lost.value_or(0), lost.has_value(),
                                           hal::kAllChannels, cause})
                 .has_value() ||
             over;
    return over;
  }
  /// Milliseconds until it trips, or -1 within `most`.
  int trips_after(std::uint16_t channel, std::size_t per_millisecond, int most = 300) {
    for (int ms = 1; ms <= most; ++ms)
      if (millisecond(channel, per_millisecond)) return ms;
    return -1;
  }
  RateGuard guard_{layout(), {1, 1}};
  std::int64_t now_ = 5 * kMillisecond;
};

TEST_F(AGuard, TripsAHundredMillisecondsAfterTheRateWentOverTheLimit) {
  const int ms = trips_after(1, 110);
  EXPECT_GE(ms, 100);
  EXPECT_LE(ms, 110);
}

TEST_F(AGuard, LetsTheLimitItselfPass) { EXPECT_EQ(trips_after(0, 99), -1); }

TEST_F(AGuard, AddsUpBurstsThatAreEachTooShort) {
  EXPECT_EQ(trips_after(0, 1000, 90), -1);
  EXPECT_EQ(trips_after(0, 1, 60), -1);
  EXPECT_NE(trips_after(0, 1000, 90), -1) << "bright for 90 ms of every 150";
}

TEST_F(AGuard, ForgetsABurstAfterASecond) {
  for (int burst = 0; burst < 4; ++burst) {
    EXPECT_EQ(trips_after(0, 1000, 80), -1);
    EXPECT_EQ(trips_after(0, 1, 1'000), -1);
  }
}

TEST_F(AGuard, RemembersBurstsWhenTheStreamBeginsAnew) {
  EXPECT_EQ(trips_after(0, 1000, 90), -1);
  guard_.begin_anew();
  now_ = 900'000 * kMillisecond;
  EXPECT_NE(trips_after(0, 1000, 90), -1);
}

TEST_F(AGuard, DoesNotAddDetectorsTogether) {
  for (int i = 0; i < 300; ++i) EXPECT_FALSE(millisecond(i % 2 == 0 ? 0 : 1, 150));
}

TEST_F(AGuard, DoesNotCountChannelsThatAreNoDetectors) { EXPECT_EQ(trips_after(2, 5000), -1); }

TEST_F(AGuard, TakesWithheldTagsForTooMany) {
  int ms = 0;
  for (bool over = false; !over && ms < 300; ++ms)
    over = millisecond(0, 5, hal::LossInterval{now_, now_ + kMillisecond, 0, false, 1, hal::LossCause::rate_limit})
               .has_value();
  EXPECT_GE(ms, 100);
  EXPECT_LE(ms, 111);
}

TEST_F(AGuard, TakesATaggerThatDrownsForBrightLight) {
  EXPECT_TRUE(trips_while_lost(hal::LossCause::fifo_overflow, std::nullopt));
}

TEST_F(AGuard, TakesTagsThatTheHostCouldNotCarryForBrightLight) {
  EXPECT_TRUE(trips_while_lost(hal::LossCause::transport, std::nullopt));
}

TEST_F(AGuard, CountsWhatIsKnownToBeLost) { EXPECT_TRUE(trips_while_lost(hal::LossCause::fifo_overflow, 110)); }

TEST_F(AGuard, DoesNotTakeAFewLostTagsForBrightLight) { EXPECT_FALSE(trips_while_lost(hal::LossCause::transport, 50)); }

TEST_F(AGuard, DoesNotTakeACableForBrightLight) {
  for (const hal::LossCause cause : {hal::LossCause::corrupt, hal::LossCause::disconnected, hal::LossCause::restarted})
    EXPECT_FALSE(trips_while_lost(cause, std::nullopt));
}

TEST_F(AGuard, IsNotHeldUpByABlockThatClaimsAgesOfDarkness) {
  hal::TagBlock block;
  block.t_begin = now_;
  block.t_end = std::int64_t{1} << 62;
  EXPECT_FALSE(guard_.see(block));  // 4e8 windows: a loop over each would take seconds
}

TEST(TheLimit, OfTheDeviceCountsWhereItIsLower) {
  hal::Rig rig;
  rig.timing = layout();
  rig.add("a", "detector-0", std::make_unique<test::StubDetector>(2e4));
  rig.add("b", "detector-1", std::make_unique<test::StubDetector>(9e5));
  const hal::TimingLayout timing = with_device_limits(rig);
  EXPECT_EQ(timing.channels[0].rate_limit.value, 2e4);
  EXPECT_EQ(timing.channels[1].rate_limit.value, 1e5);
}

TEST(TheLimit, OfTheDeviceCountsWhereTheLayoutHasNone) {
  hal::Rig rig;
  rig.timing = layout();
  rig.timing.channels[1].rate_limit = {};
  rig.add("b", "detector-1", std::make_unique<test::StubDetector>(9e5));
  EXPECT_EQ(with_device_limits(rig).channels[1].rate_limit.value, 9e5);
}

TEST_F(AGuard, NamesTheDetectorItsRateAndItsLimit) {
  std::optional<RateGuard::OverRate> over;
  while (!(over = millisecond(1, 200)) && now_ < 400 * kMillisecond) continue;
  ASSERT_TRUE(over);
  EXPECT_EQ(over->channel, 1);
  EXPECT_NEAR(over->hertz, 2e5, 1e3);
  EXPECT_EQ(over->limit, 1e5);
}

}  // namespace
}  // namespace nicol::service
