// SPDX-License-Identifier: Apache-2.0
// APT packets against the vectors of DEVICES.md 1.3, and the parser against what lines do to them.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "drivers/apt/messages.hpp"
#include "drivers/apt/models.hpp"
#include "drivers/apt/packet.hpp"

namespace nicol::apt {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// A servo's report of channel 1: position 86384, standing, homed.
const Bytes kReport{0x91, 0x04, 0x0e, 0x00, 0x81, 0x50, 0x01, 0x00, 0x70, 0x51,
                    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x90};
const Bytes kHomed{0x44, 0x04, 0x01, 0x00, 0x01, 0x50};

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
std::vector<Packet> packets(PacketParser& parser, const Bytes& bytes) {
  parser.push(bytes);
  std::vector<Packet> out;
  while (auto packet = parser.next()) out.push_back(*packet);
  return out;
}
std::vector<Packet> packets(const Bytes& bytes) {
  PacketParser parser;
  return packets(parser, bytes);
}
const Model& model(std::string_view name) { return *model_named(name); }
Bytes move_bytes(std::string_view name, double degrees) {
  return encode(move_absolute(1, *to_counts(model(name), degrees)));
}

TEST(AptPacket, AsksToHome) {
  EXPECT_EQ(encode(request(Id::mot_move_home, 1)), (Bytes{0x43, 0x04, 0x01, 0x00, 0x50, 0x01}));
}
TEST(AptPacket, AsksWhoIsThere) {
  EXPECT_EQ(encode(request(Id::hw_req_info)), (Bytes{0x05, 0x00, 0x00, 0x00, 0x50, 0x01}));
}
TEST(AptPacket, MovesTo2048) {
  EXPECT_EQ(encode(move_absolute(1, 2048)),
            (Bytes{0x53, 0x04, 0x06, 0x00, 0xd0, 0x01, 0x01, 0x00, 0x00, 0x08, 0x00, 0x00}));
}
TEST(AptPacket, MovesAK10cr1To45Degrees) {
  EXPECT_EQ(move_bytes("K10CR1", 45), (Bytes{0x53, 0x04, 0x06, 0x00, 0xd0, 0x01, 0x01, 0x00, 0x00, 0xc0, 0x5d, 0x00}));
}
TEST(AptPacket, MovesAPrm1z8To45Degrees) {
  EXPECT_EQ(move_bytes("KDC101", 45), (Bytes{0x53, 0x04, 0x06, 0x00, 0xd0, 0x01, 0x01, 0x00, 0x70, 0x51, 0x01, 0x00}));
}
TEST(AptPacket, MovesBackwardsInTwosComplement) {
  EXPECT_EQ(encode(move_absolute(1, -1)),
            (Bytes{0x53, 0x04, 0x06, 0x00, 0xd0, 0x01, 0x01, 0x00, 0xff, 0xff, 0xff, 0xff}));
}
TEST(AptPacket, StopsAtOnceOrSlowly) {
  EXPECT_EQ(encode(move_stop(1, StopKind::immediate)), (Bytes{0x65, 0x04, 0x01, 0x01, 0x50, 0x01}));
  EXPECT_EQ(encode(move_stop(1, StopKind::profiled)), (Bytes{0x65, 0x04, 0x01, 0x02, 0x50, 0x01}));
}
TEST(AptPacket, SaysThatTheHostIsAlive) {
  EXPECT_EQ(encode(request(Id::mot_ack_status)), (Bytes{0x92, 0x04, 0x00, 0x00, 0x50, 0x01}));
}

TEST(AptModels, KeepTheScalesOfTheTable) {
  EXPECT_NEAR(model("K10CR1").counts_per_degree, 136533.33, 0.005);
  EXPECT_NEAR(model("K10CR1").velocity_unit, 7329109.33, 0.01);
  EXPECT_NEAR(model("K10CR1").acceleration_unit, 1502.02, 0.005);
  EXPECT_DOUBLE_EQ(model("KDC101").counts_per_degree, 1919.6418578623391);
  EXPECT_NEAR(model("KDC101").velocity_unit, 42941.66, 0.01);
  EXPECT_NEAR(model("KDC101").acceleration_unit, 14.6574, 0.0001);
  EXPECT_EQ(*to_counts(model("MPC320"), 170), 1370);
}
TEST(AptModels, KnowTheFastestOfEach) {
  EXPECT_EQ(model("K10CR1").max_velocity, 10);
  EXPECT_EQ(model("K10CR2").max_velocity, 20);
  EXPECT_EQ(model("KDC101").max_velocity, 25);
}
TEST(AptModels, AreRecognisedByTheSerialNumber) {
  EXPECT_EQ(model_of_serial("27001234")->name, "KDC101");
  EXPECT_EQ(model_of_serial("55000123")->name, "K10CR1");
  EXPECT_EQ(model_of_serial("83000001")->name, "TDC001");
  EXPECT_EQ(model_of_serial("37000001")->family, Family::flip_mirror);
  EXPECT_EQ(model_of_serial("99000001"), nullptr);
  EXPECT_EQ(model_of_serial("5500012"), nullptr);
}
TEST(AptModels, AreRecognisedByWhatTheySayWithASuffix) {
  EXPECT_EQ(model_named("K10CR1/M")->name, "K10CR1");
  EXPECT_EQ(model_named("MFF102/M")->family, Family::flip_mirror);
  EXPECT_EQ(model_named("BSC203"), nullptr);
}
TEST(AptModels, RoundToTheNearestCountAndRefuseWhatDoesNotFit) {
  EXPECT_EQ(*to_counts(model("K10CR1"), -1e-5), -1);
  EXPECT_FALSE(to_counts(model("K10CR1"), 20'000));
  EXPECT_FALSE(to_counts(model("K10CR1"), std::nan("")));
}

TEST(AptParser, ReadsShortAndLongPackets) {
  const auto read = packets(kHomed + kReport);
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].id, Id::mot_homed);
  EXPECT_EQ(read[0].p1, 1);
  const auto report = report_of(read[1]);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->channel, 1);
  EXPECT_EQ(report->position, 86384);
  EXPECT_EQ(report->status, bits::kHomed | bits::kPowerOk | bits::kEnabled);
}
TEST(AptParser, ReadsTheSameInPiecesOfAnySize) {
  const Bytes all = kHomed + kReport + kHomed;
  for (std::size_t piece = 1; piece <= all.size(); ++piece) {
    PacketParser parser;
    std::vector<Packet> read;
    for (std::size_t at = 0; at < all.size(); at += piece) {
      const std::size_t n = std::min(piece, all.size() - at);
      for (Packet& p : packets(parser, Bytes(all.begin() + static_cast<std::ptrdiff_t>(at),
                                             all.begin() + static_cast<std::ptrdiff_t>(at + n))))
        read.push_back(std::move(p));
    }
    EXPECT_EQ(read, packets(all)) << piece;
  }
}
TEST(AptParser, SkipsStrayZeros) { EXPECT_EQ(packets(Bytes{0} + kReport + Bytes{0, 0, 0} + kHomed).size(), 2u); }
TEST(AptParser, SkipsUnknownPacketsByTheirLength) {
  PacketParser parser;
  // The data looks like a homed message: skipping by anything but the length would believe it.
  const Bytes unknown = Bytes{0x0c, 0x05, 0x06, 0x00, 0x81, 0x50} + kHomed;
  const auto read = packets(parser, kReport + unknown + kReport);
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[1].id, Id::mot_get_dc_status);
  EXPECT_EQ(parser.unknown_packets(), 1u);
  EXPECT_EQ(parser.dropped_bytes(), 0u);
}
TEST(AptParser, FindsItsFeetAfterGarbage) {
  std::mt19937 random(7);
  Bytes garbage(300);
  for (std::uint8_t& b : garbage) b = static_cast<std::uint8_t>(random());
  const auto read = packets(garbage + kReport + kReport);
  ASSERT_GE(read.size(), 1u);
  EXPECT_EQ(report_of(read.back())->position, 86384);
}
TEST(AptParser, DoesNotTakeTheNextPacketForTheRestOfACutOne) {
  for (std::size_t kept = 1; kept + 2 <= kReport.size(); ++kept) {
    const Bytes cut(kReport.begin(), kReport.begin() + static_cast<std::ptrdiff_t>(kept));
    const auto read = packets(cut + kReport + kHomed);
    ASSERT_EQ(read.size(), 2u) << kept;
    EXPECT_EQ(report_of(read[0])->position, 86384) << kept;
  }
}
TEST(AptParser, RefusesAKnownIdWithAnotherLength) {
  Bytes wrong = kReport;
  wrong[2] = 0x0f;
  EXPECT_TRUE(packets(wrong).empty());
}
TEST(AptParser, TakesNoPacketThatIsNotForTheHost) {
  Bytes echo = kHomed;
  std::swap(echo[4], echo[5]);
  EXPECT_TRUE(packets(echo).empty());
}
TEST(AptParser, ForgetsTheHeadOfAPacketWhoseRestNeverCame) {
  PacketParser parser;
  EXPECT_TRUE(packets(parser, Bytes(kReport.begin(), kReport.begin() + 9)).empty());
  EXPECT_TRUE(parser.partial());
  parser.forget_partial();
  EXPECT_EQ(packets(parser, kHomed).size(), 1u);
}

TEST(AptMessages, ReadWhoIsThere) {
  Packet packet;
  packet.id = Id::hw_get_info;
  packet.data.assign(84, 0);
  const Bytes head{0x7b, 0xd7, 0x46, 0x03, 'K', '1', '0', 'C', 'R', '1', 0, 0, 0x2c, 0x00, 0x03, 0x02, 0x01, 0x00};
  std::copy(head.begin(), head.end(), packet.data.begin());
  packet.data[82] = 1;
  const auto info = info_of(packet);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->serial, 54'974'331u);
  EXPECT_EQ(info->model, "K10CR1");
  EXPECT_EQ(info->firmware, "1.2.3");
  EXPECT_EQ(info->channels, 1);
}
TEST(AptMessages, ReadAComplaintWithItsText) {
  Packet packet;
  packet.id = Id::hw_rich_response;
  packet.data.assign(68, 0);
  const Bytes head{0x53, 0x04, 0x07, 0x00, 'o', 'u', 't', ' ', 'o', 'f', ' ', 'r', 'a', 'n', 'g', 'e'};
  std::copy(head.begin(), head.end(), packet.data.begin());
  const auto fault = fault_of(packet);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->about, 0x0453);
  EXPECT_EQ(fault->code, 7);
  EXPECT_EQ(fault->text, "out of range");
}
TEST(AptMessages, WriteVelocityAndHomeParametersAsTheyReadThem) {
  const VelocityParams velocity{0, 1502, 73'291'093};
  Packet echo = set_velocity(1, velocity);
  EXPECT_EQ(echo.data.size(), 14u);
  echo.id = Id::mot_get_velocity;
  EXPECT_EQ(velocity_of(echo), velocity);
  const HomeParams home{2, 1, 73'291'093, -5};
  echo = set_home(1, home);
  EXPECT_EQ(echo.data.size(), 14u);
  echo.id = Id::mot_get_home;
  EXPECT_EQ(home_of(echo), home);
  const PaddleParams paddles{0, 50, 685, {40, 41, 42}};
  echo = set_paddles(paddles);
  EXPECT_EQ(echo.data.size(), 12u);
  echo.id = Id::pol_get_params;
  EXPECT_EQ(paddles_of(echo), paddles);
}
TEST(AptMessages, CallEachFaultByItsName) {
  EXPECT_EQ(fault_text(bits::kHomed | bits::kPowerOk), "");
  EXPECT_EQ(fault_text(bits::kInterlock | bits::kOverTemperature), "interlock, over temperature");
  EXPECT_EQ(fault_text(bits::kCurrentLimit), "motor current limit");
}
TEST(AptMessages, CountAsMovingEveryBitThatMeansIt) {
  for (const int bit : {4, 5, 6, 7, 9}) EXPECT_NE(bits::kMoving & 1u << bit, 0u) << bit;
  for (const int bit : {0, 1, 2, 3, 8, 10, 12, 13, 14, 31}) EXPECT_EQ(bits::kMoving & 1u << bit, 0u) << bit;
}

}  // namespace
}  // namespace nicol::apt
