// SPDX-License-Identifier: Apache-2.0
// The emulated controllers, held against the protocol's bytes (and once against the driver's own reading of them).
#include <gtest/gtest.h>

#include "drivers/apt/messages.hpp"
#include "sim/emulators/apt.hpp"

namespace nicol::sim {
namespace {

using Bytes = std::vector<std::uint8_t>;

const Bytes kHome{0x43, 0x04, 0x01, 0x00, 0x50, 0x01}, kWho{0x05, 0x00, 0x00, 0x00, 0x50, 0x01},
    kStart{0x11, 0x00, 0x00, 0x00, 0x50, 0x01}, kAlive{0x92, 0x04, 0x00, 0x00, 0x50, 0x01},
    kStatus{0x80, 0x04, 0x01, 0x00, 0x50, 0x01};

class AptEmulation : public testing::Test {
 protected:
  void make(AptModel model, AptMutant mutant = AptMutant::none) {
    AptOptions options;
    options.model = model;
    options.mutant = mutant;
    options.serial = model == AptModel::k10cr1 ? "55000123" : model == AptModel::mff101 ? "37000001" : "38000001";
    options.stray_zero_every = options.unknown_every = 0;
    device_ = std::make_unique<AptEmulator>(options);
  }
  std::vector<apt::Packet> say(const Bytes& bytes) {
    device_->receive(bytes, now_);
    return hear();
  }
  std::vector<apt::Packet> hear() {
    Bytes out;
    device_->collect(out, now_);
    parser_.push(out);
    std::vector<apt::Packet> packets;
    while (auto packet = parser_.next()) packets.push_back(*packet);
    return packets;
  }
  /// As its carrier would: whenever it is due.
  std::vector<apt::Packet> pass(double seconds) {
    const Picoseconds end = now_ + Picoseconds::seconds(seconds);
    std::vector<apt::Packet> all;
    while (device_->next_due() <= end) {
      now_ = std::max(now_, device_->next_due());
      for (apt::Packet& p : hear()) all.push_back(std::move(p));
    }
    now_ = end;
    for (apt::Packet& p : hear()) all.push_back(std::move(p));
    return all;
  }
  void home() {
    say(kHome);
    pass(60);
  }
  Bytes move(std::uint8_t channel, std::int32_t counts) {
    const auto c = static_cast<std::uint32_t>(counts);
    const auto byte = [&](int i) { return static_cast<std::uint8_t>(c >> (8 * i) & 0xff); };
    return {0x53, 0x04, 0x06, 0x00, 0xd0, 0x01, channel, 0x00, byte(0), byte(1), byte(2), byte(3)};
  }
  std::unique_ptr<AptEmulator> device_;
  apt::PacketParser parser_;
  Picoseconds now_{1};
};

TEST_F(AptEmulation, SaysWhoItIs) {
  make(AptModel::k10cr1);
  const auto said = say(kWho);
  ASSERT_EQ(said.size(), 1u);
  const auto info = apt::info_of(said[0]);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->serial, 55'000'123u);
  EXPECT_EQ(info->model, "K10CR1");
}
TEST_F(AptEmulation, SaysItsAnswerToTheByte) {
  make(AptModel::k10cr1);
  device_->receive(kStatus, now_);
  Bytes out;
  device_->collect(out, now_);
  EXPECT_EQ(out, (Bytes{0x81, 0x04, 0x0e, 0x00, 0x81, 0x50, 0x01, 0x00, 0x00, 0x00,
                        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x90}));
}
TEST_F(AptEmulation, DoesNotKnowItsPositionBeforeItIsHomed) {
  make(AptModel::k10cr1);
  const auto report = apt::report_of(say(kStatus)[0]);
  EXPECT_EQ(report->position, 0);
  EXPECT_NEAR(device_->optic(0, now_), 33, 1e-9);
  EXPECT_EQ(report->status & apt::bits::kHomed, 0u);
}
TEST_F(AptEmulation, FindsItsMark) {
  make(AptModel::k10cr1);
  say(kHome);
  const auto said = pass(60);
  ASSERT_FALSE(said.empty());
  EXPECT_EQ(said[0].id, apt::Id::mot_homed);
  EXPECT_NEAR(device_->optic(0, now_), 0, 1e-9);
  EXPECT_NE(apt::report_of(say(kStatus)[0])->status & apt::bits::kHomed, 0u);
}
TEST_F(AptEmulation, TakesTheTimeOfItsWay) {
  make(AptModel::k10cr1);
  home();
  say(move(1, 6'144'000));  // 45 degrees: 4.5 s at 10 deg/s, half a second to speed up and slow down
  pass(4.9);
  EXPECT_NE(apt::report_of(say(kStatus)[0])->status & 0x30u, 0u);
  const auto said = pass(0.2);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].id, apt::Id::mot_move_completed);
  EXPECT_EQ(apt::report_of(said[0])->position, 6'144'000);
  EXPECT_NEAR(device_->optic(0, now_), 45, 1e-6);
}
TEST_F(AptEmulation, MovesAPrm1z8ByItsOwnScale) {
  make(AptModel::kdc101);
  home();
  say(move(1, 86'384));
  pass(5);
  EXPECT_NEAR(device_->optic(0, now_), 45, 1e-3);
}
TEST_F(AptEmulation, SetsBothDirectionBitsAsAK10cr1Does) {
  make(AptModel::k10cr1);
  home();
  say(move(1, 6'144'000));
  pass(1);
  EXPECT_EQ(apt::report_of(say(kStatus)[0])->status & 0x30u, 0x30u);
}
TEST_F(AptEmulation, StopsWhereItIsToldTo) {
  make(AptModel::k10cr1);
  home();
  say(move(1, 6'144'000));
  pass(2);
  say({0x65, 0x04, 0x01, 0x01, 0x50, 0x01});
  const auto said = pass(0.1);
  ASSERT_FALSE(said.empty());
  EXPECT_EQ(said[0].id, apt::Id::mot_stopped);
  EXPECT_LT(device_->optic(0, now_), 20);
}
TEST_F(AptEmulation, ReportsTenTimesASecond) {
  make(AptModel::k10cr1);
  say(kStart);
  EXPECT_EQ(pass(2.05).size(), 20u);
}
TEST_F(AptEmulation, GoesQuietAfterFiftyReportsUnlessTheHostIsAlive) {
  make(AptModel::k10cr1);
  say(kStart);
  EXPECT_EQ(pass(60).size(), 50u);
  EXPECT_TRUE(say(kStatus).empty());
  say(kAlive);
  EXPECT_EQ(say(kStatus).size(), 1u);
  for (int second = 0; second < 20; ++second) {
    EXPECT_EQ(pass(1).size(), 10u) << second;
    say(kAlive);
  }
}
TEST_F(AptEmulation, SpeaksUnaskedWhenItsLastHostLeftInAHurry) {
  AptOptions options;
  options.updating_at_start = true;
  device_ = std::make_unique<AptEmulator>(options);
  EXPECT_GE(pass(1).size(), 9u);
}
TEST_F(AptEmulation, TripsThoseWhoExpectNothingButPackets) {
  AptOptions options;
  options.stray_zero_every = options.unknown_every = 2;
  device_ = std::make_unique<AptEmulator>(options);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(say(kStatus).size(), 1u);
  }
  EXPECT_GT(parser_.dropped_bytes() + parser_.unknown_packets(), 4u);
}
TEST_F(AptEmulation, KeepsItsPaddlesBetweenTheirStops) {
  make(AptModel::mpc320);
  say(move(2, 2000));
  const auto said = pass(3);
  ASSERT_FALSE(said.empty());
  EXPECT_NEAR(device_->optic(1, now_), 170, 0.1);
  EXPECT_NE(apt::report_of(said.back())->status & apt::bits::kLimitForward, 0u);
}
TEST_F(AptEmulation, MovesThreePaddlesEachByItself) {
  make(AptModel::mpc320);
  say(move(1, 137));
  say(move(2, 274));
  say(move(4, 411));
  pass(3);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(device_->optic(i, now_), 17.0 * static_cast<double>(i + 1), 0.1);
}
TEST_F(AptEmulation, FlipsItsMirrorAndTellsByItsLimitSwitches) {
  make(AptModel::mff101);
  const Bytes bits{0x29, 0x04, 0x01, 0x00, 0x50, 0x01};
  EXPECT_EQ(apt::report_of(say(bits)[0])->status & 0x33u, 0x01u);
  say({0x6a, 0x04, 0x01, 0x02, 0x50, 0x01});
  EXPECT_EQ(apt::report_of(say(bits)[0])->status & 0x33u, 0x10u);
  EXPECT_EQ(device_->mirror(now_), 0);
  pass(0.6);
  EXPECT_EQ(apt::report_of(say(bits)[0])->status & 0x33u, 0x02u);
  EXPECT_EQ(device_->mirror(now_), 2);
}
TEST_F(AptEmulation, ComplainsInWords) {
  make(AptModel::k10cr1);
  device_->complain(0x0453, 7, "out of range");
  const auto fault = apt::fault_of(hear().at(0));
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->text, "out of range");
}
TEST_F(AptEmulation, SurvivesAnyBytes) {
  make(AptModel::k10cr1);
  Bytes noise;
  for (std::uint32_t i = 0, x = 1; i < 20'000; ++i)
    noise.push_back(static_cast<std::uint8_t>((x = x * 1664525 + 1013904223) >> 24));
  say(noise);
  say(Bytes(300, 0));
  EXPECT_EQ(say(kWho).size(), 1u);
}
TEST_F(AptEmulation, WakesUpUnhomedAndSilentAfterAPowerCycle) {
  make(AptModel::k10cr1);
  home();
  say(kStart);
  device_->power_cycle();
  EXPECT_TRUE(pass(2).empty());
  EXPECT_EQ(apt::report_of(say(kStatus)[0])->status & apt::bits::kHomed, 0u);
}

}  // namespace
}  // namespace nicol::sim
