// SPDX-License-Identifier: Apache-2.0
// The emulated controller, spoken to in lines.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "drivers/hal/random.hpp"
#include "sim/emulators/newport.hpp"

namespace nicol::sim {
namespace {

class NewportEmulator : public testing::Test {
 protected:
  std::string ask(std::string_view text, double seconds = 0.01) {
    const std::string line = std::string(text) + "\r\n";
    controller_.receive({reinterpret_cast<const std::uint8_t*>(line.data()), line.size()}, now_);
    now_ += Picoseconds::seconds(seconds);
    std::vector<std::uint8_t> out;
    controller_.collect(out, now_);
    return {out.begin(), out.end()};
  }
  NewportController controller_;
  Picoseconds now_;
};

TEST_F(NewportEmulator, StartsNotReferenced) { EXPECT_EQ(ask("1TS"), "1TS00000A\r\n"); }

TEST_F(NewportEmulator, HomesThenMoves) {
  EXPECT_EQ(ask("1OR"), "") << "commands have no reply";
  EXPECT_EQ(ask("1TS"), "1TS00001E\r\n");
  EXPECT_EQ(ask("1TE", 2), "1TE@\r\n");
  EXPECT_EQ(ask("1TS"), "1TS000032\r\n");
  ask("1PA10.5");
  EXPECT_EQ(ask("1TS", 2), "1TS000028\r\n");
  EXPECT_EQ(ask("1TP"), "1TP10.5000\r\n");
  ask("1PR-2", 2);
  EXPECT_EQ(ask("1TP"), "1TP8.5000\r\n");
  EXPECT_NEAR(controller_.angle(now_).degrees(), 8.5, 1e-9);
}

TEST_F(NewportEmulator, RefusesToMoveBeforeHoming) {
  ask("1PA10");
  EXPECT_EQ(ask("1TE"), "1TEH\r\n");
  EXPECT_EQ(ask("1TE"), "1TE@\r\n") << "reading clears it";
  EXPECT_EQ(controller_.moves(), 0u);
}

TEST_F(NewportEmulator, StopsAMove) {
  ask("1OR", 2);
  ask("1PA100", 1);
  ask("1ST");
  EXPECT_EQ(ask("1TS"), "1TS000033\r\n");
  EXPECT_NEAR(controller_.angle(now_).degrees(), 20, 2);
}

TEST_F(NewportEmulator, KeepsItsTravel) {
  ask("1OR", 2);
  ask("1PA171");
  EXPECT_EQ(ask("1TE"), "1TEG\r\n");
}

TEST_F(NewportEmulator, GoesIntoConfigurationOnlyBeforeHoming) {
  ask("1PW1");
  EXPECT_EQ(ask("1TS"), "1TS000014\r\n");
  ask("1PA1");
  EXPECT_EQ(ask("1TE"), "1TEI\r\n");
  ask("1PW0");
  EXPECT_EQ(ask("1TS"), "1TS00000A\r\n");
}

TEST_F(NewportEmulator, SwitchesItsMotorOffWhenItIsBlocked) {
  ask("1OR", 2);
  controller_.stall_next();
  ask("1PA40", 5);
  EXPECT_EQ(ask("1TS"), "1TS00203D\r\n");
  ask("1MM1");
  EXPECT_EQ(ask("1TS"), "1TS000034\r\n");
}

TEST_F(NewportEmulator, IsSilentForOtherAxes) { EXPECT_EQ(ask("2TS"), ""); }

TEST_F(NewportEmulator, SurvivesAnyBytes) {
  CounterStream noise({1, NodeId::world, Purpose::test, 0});
  std::string bytes;
  for (int i = 0; i < 20'000; ++i) bytes += static_cast<char>(noise());
  ask(bytes, 10);
  ask("");
  EXPECT_EQ(ask("1VE"), "1VE CONEX-CC 1.0.0\r\n");
}

}  // namespace
}  // namespace nicol::sim
