// SPDX-License-Identifier: Apache-2.0
// The emulated LectroTIC-4 against what is known of the real one.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/emulators/lectrotic.hpp"

namespace nicol::sim {
namespace {

using Bytes = std::vector<std::uint8_t>;

class LectroticDevice : public testing::Test {
 protected:
  void tell(std::string_view text) {
    device_.receive({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, now_);
  }
  Bytes hear() {
    Bytes out;
    device_.collect(out, now_);
    return out;
  }
  std::string answer(std::string_view text) {
    tell(text);
    const Bytes bytes = hear();
    return {bytes.begin(), bytes.end()};
  }
  void pulse(double seconds, unsigned input) { device_.add_tags({{Picoseconds::seconds(seconds), input}}); }
  void to(double seconds) { now_ = Picoseconds::seconds(seconds); }

  LectroticEmulator device_;
  Picoseconds now_;
};

TEST_F(LectroticDevice, SaysWhoItIs) {
  EXPECT_EQ(answer("OUTP:STAT OFF\n*IDN?\n"), "Lectrobox,LectroTIC-4,LT4-0042,emulated\n");
}

TEST_F(LectroticDevice, StreamsTextFromTheMomentItHasPower) {
  (void)hear();
  pulse(0.012, 3);
  to(0.25);
  const Bytes bytes = hear();
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "3 5293.012000000 +\n");
}

TEST_F(LectroticDevice, SendsARecordOfEightBytes) {
  tell("FORM:DATA BIN\nOUTP:CLE\n");
  EXPECT_EQ(hear(), (Bytes{0, 0, 0, 0, 0, 0, 0, 0x10}));
  pulse(0.004, 2);
  to(0.25);
  EXPECT_EQ(hear(), (Bytes{0xAD, 0x14, 0, 0, 0x40, 0x42, 0x0F, 0xA0})) << "tick 1000000 of second 5293";
}

TEST_F(LectroticDevice, SendsInputAfterInput) {
  tell("FORM:DATA BIN\n");
  pulse(0.001, 3);
  pulse(0.002, 0);
  to(0.25);
  const Bytes bytes = hear();
  ASSERT_EQ(bytes.size(), 16u);
  EXPECT_EQ(bytes[7] >> 6, 0);
  EXPECT_EQ(bytes[15] >> 6, 3) << "older, but later in the stream";
}

TEST_F(LectroticDevice, TellsLostPulsesOnlyWhenNothingElseWaits) {
  tell("FORM:DATA BIN\n");
  for (int i = 0; i < 3; ++i) pulse(0.01 + i * 10e-9, 1);
  pulse(0.15, 0);
  to(0.25);
  EXPECT_EQ(hear().size(), 16u) << "two records of pulses";
  to(0.35);
  EXPECT_EQ(hear(), (Bytes{2, 0, 0, 0, 1, 0, 0, 0x50})) << "channel 1, two too close";
}

TEST_F(LectroticDevice, FindsFallingEdgesAndDivides) {
  tell("INP0:SLOP NEG\nINP0:DIV 2\nFORM:DATA BIN\n");
  EXPECT_EQ(answer("INP0:SLOP?\n"), "NEG\n");
  for (int i = 0; i < 4; ++i) pulse(0.01 + i * 1e-3, 0);
  to(0.25);
  const Bytes bytes = hear();
  ASSERT_EQ(bytes.size(), 16u);
  EXPECT_EQ(bytes[7] & 0x20, 0) << "polarity";
}

TEST_F(LectroticDevice, KeepsAnErrorUntilItIsAsked) {
  EXPECT_EQ(answer("INP7:SLOP POS\nSYST:ERR?\n"), "-113,\"Undefined header\"\n");
  EXPECT_EQ(answer("SYST:ERR?\n"), "0,\"No error\"\n");
}

TEST_F(LectroticDevice, HaltsWhenItsReferenceFails) {
  tell("FORM:DATA BIN\n");
  device_.fail_reference();
  pulse(0.01, 0);
  to(0.25);
  EXPECT_EQ(hear(), (Bytes{0, 0, 0, 0, 2, 0, 0, 0x10}));
  to(1);
  EXPECT_TRUE(hear().empty());
}

TEST_F(LectroticDevice, CountsFromZeroAfterAPowerCycle) {
  device_.power_cycle();
  (void)hear();
  pulse(0.5, 0);
  to(0.7);
  const Bytes bytes = hear();
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "0 0.500000000 +\n");
}

}  // namespace
}  // namespace nicol::sim
