// SPDX-License-Identifier: Apache-2.0
// Bright light and single-photon detectors never meet, and light that comes all the same is shut out in time.
#include <gtest/gtest.h>

#include "tests/unit/firmware/host.hpp"

namespace nicol::fw::test {
namespace {

/// Bob's board with its shutter open, its detectors on, and so many clicks a second on detector 2.
struct Receiver : Bench {
  Receiver() {
    hello(1);
    EXPECT_EQ(set(Property::shutter, 1), kDone);
    EXPECT_EQ(set(Property::detector_rate_limit, 100'000, 2), kDone);
    for (std::uint16_t k = 0; k < 4; ++k) EXPECT_EQ(set(Property::detector_enable, 1, k), kDone);
  }
  void shine(std::uint64_t per_ms, std::uint64_t ms) {
    for (std::uint64_t i = 0; i < ms; ++i) {
      board.is.detector_events[2] += per_ms;
      pass(1);
      if (now % 250 == 0) beat();
    }
  }
  bool shut() const {
    return board.is.shutters[0] == Gate::closed && board.is.detectors[0] == Switch::off &&
           board.is.detectors[2] == Switch::off;
  }
};

TEST(OverRate, ForAHundredMillisecondsClosesShutterAndDetectorsWithinTheNextHundred) {
  Receiver r;
  r.shine(50, 500);
  r.shine(101, 95);
  EXPECT_FALSE(r.shut());
  r.shine(101, 105);
  EXPECT_TRUE(r.shut());
  EXPECT_EQ(r.firmware->faults(), kFaultOverRate);
}

TEST(OverRate, AtTheLimitIsAllowed) {
  Receiver r;
  r.shine(100, 2000);
  EXPECT_FALSE(r.shut());
}

TEST(OverRate, OfSixtyMillisecondsIsAllowed) {
  Receiver r;
  r.shine(10, 200);
  for (int i = 0; i < 10; ++i) {
    r.shine(1000, 60);
    r.shine(10, 60);
  }
  EXPECT_FALSE(r.shut());
}

TEST(OverRate, IsSeenWithoutATagStreamAndWithRarePolls) {
  Receiver r;
  r.shine(10, 100);
  r.board.is.detector_events[2] += 200 * 150;
  r.now += 150;
  r.firmware->poll(r.now);
  EXPECT_TRUE(r.shut());
}

TEST(OverRate, SaysWhichDetector) {
  Receiver r;
  r.hear();
  r.shine(500, 250);
  std::optional<ErrorEvent> event;
  for (const Said& s : r.hear())
    if (s.message.header.type == Type::error_event) event = s.as<ErrorEvent>();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->faults, kFaultOverRate);
  EXPECT_EQ(event->detail, 2);
}

TEST(OverRate, TheLimitCannotBeSwitchedOffOrMadeWiderThanTheBoards) {
  Receiver r;
  EXPECT_EQ(r.set(Property::detector_rate_limit, 0, 1), Nack::bad_value);
  EXPECT_EQ(r.set(Property::detector_rate_limit, 1'000'001, 1), Nack::bad_value);
  EXPECT_EQ(r.get(Property::detector_rate_limit, 1), 1'000'000);
}

TEST(BrightLight, IsRefusedWhileADetectorIsEnabled) {
  Receiver r;
  EXPECT_EQ(r.set(Property::light_level, 1), Nack::unsafe);
  EXPECT_EQ(r.set(Property::light_level, 2), kDone);
  for (std::uint16_t k = 0; k < 4; ++k) r.set(Property::detector_enable, 0, k);
  EXPECT_EQ(r.set(Property::light_level, 1), kDone);
}

TEST(BrightLight, RefusesDetectorsWhileItIsOn) {
  Bench b;
  b.hello(1);
  ASSERT_EQ(b.set(Property::light_level, 1), kDone);
  EXPECT_EQ(b.set(Property::detector_enable, 1, 3), Nack::unsafe);
  b.set(Property::light_level, 0);
  EXPECT_EQ(b.set(Property::detector_enable, 1, 3), kDone);
}

TEST(BrightLight, NeverMeetsEnabledDetectorsInTwentyThousandRandomCommands) {
  Bench b;
  b.hello(1);
  Rng rng(3);
  for (int i = 0; i < 20'000; ++i) {
    switch (rng() % 4) {
      case 0:
        b.set(Property::light_level, static_cast<std::int64_t>(rng() % 3));
        break;
      case 1:
        b.order(Type::safe_state);
        break;
      case 2:
        b.order(Type::clear_fault, kEveryFault);
        break;
      default:
        b.set(Property::detector_enable, static_cast<std::int64_t>(rng() % 2), rng() % 4);
        break;
    }
    const bool detecting =
        std::any_of(b.board.is.detectors.begin(), b.board.is.detectors.end(), [](Switch s) { return s == Switch::on; });
    ASSERT_FALSE(detecting && b.board.is.light == Light::alignment);
  }
}

}  // namespace
}  // namespace nicol::fw::test
