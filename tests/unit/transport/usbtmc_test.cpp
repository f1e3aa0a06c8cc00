// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <thread>

#include "drivers/transport/scpi.hpp"
#include "tests/support/fake_usb.hpp"
#include "tests/unit/transport/eventually.hpp"
#include "tests/unit/transport/tmc_device.hpp"

namespace nicol::transport {
namespace {
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using hal::Link;

struct UsbTmcTest : testing::Test {
  TmcDevice instrument;
  test::FakeUsb plug{instrument, {}};
  WireLog log;
  std::unique_ptr<UsbContext> context = *UsbContext::create(&log);
  std::unique_ptr<ScpiLink> link;

  void open(bool remote_enable = false) {
    auto opened = open_usbtmc(*context, {{0x1313, 0x804f, ""}, remote_enable}, &log, {});
    ASSERT_TRUE(opened) << describe(opened.error());
    link = *std::move(opened);
  }
  std::vector<std::uint8_t> requests() {
    std::vector<std::uint8_t> copy;
    plug.locked([&] { copy = instrument.requests; });
    return copy;
  }
  std::size_t times_heard(const std::string& line) {
    std::size_t count = 0;
    plug.locked(
        [&] { count = static_cast<std::size_t>(std::count(instrument.heard.begin(), instrument.heard.end(), line)); });
    return count;
  }
};

TEST_F(UsbTmcTest, AsksAndGetsTheReplyWithoutItsTerminator) {
  open();
  EXPECT_EQ(*link->ask("*IDN?", in(20s)), "echo *IDN?");
  EXPECT_EQ(link->port(), "usb 1-1");
}

TEST_F(UsbTmcTest, PadsEveryCommandToFour) {
  open();
  for (const char* text : {"A", "AB", "ABC", "ABCD"}) ASSERT_TRUE(link->command(text, in(20s)));
  plug.locked([&] {
    EXPECT_TRUE(instrument.padding_right);
    EXPECT_EQ(instrument.heard.back(), "ABCD\n");
  });
}

TEST_F(UsbTmcTest, NeverUsesTagZero) {
  open();
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(link->command("X", in(20s)));
  plug.locked([&] {
    EXPECT_EQ(instrument.tags.size(), 300u);
    EXPECT_EQ(std::count(instrument.tags.begin(), instrument.tags.end(), 0), 0);
  });
}

TEST_F(UsbTmcTest, AsksAgainWhileTheMessageHasNotEnded) {
  plug.locked([&] { instrument.part = 3; });
  open();
  EXPECT_EQ(*link->ask("CURR?", in(20s)), "echo CURR?");
}

TEST_F(UsbTmcTest, ReadsAReplyThatFillsWholePackets) {
  open();
  for (std::size_t length = 485; length < 515; ++length) {
    const std::string question = std::string(length, 'q') + "?";
    EXPECT_EQ(*link->ask(question, in(20s)), "echo " + question) << length;
  }
}

TEST_F(UsbTmcTest, ReadsAReplyLongerThanOneRequest) {
  open();
  const std::string question = std::string(60'000, 'q') + "?";
  EXPECT_EQ(*link->ask(question, in(20s)), "echo " + question);
}

TEST_F(UsbTmcTest, ReadsOverAnEmptyPacketBeforeTheReply) {
  plug.locked([&] { instrument.empty_first = 1; });
  open();
  EXPECT_EQ(*link->ask("*IDN?", in(20s)), "echo *IDN?");
}

TEST_F(UsbTmcTest, EnablesRemoteControlFirstAndOnce) {
  open(true);
  ASSERT_TRUE(link->command("A", in(20s)));
  ASSERT_TRUE(link->command("B", in(20s)));
  EXPECT_EQ(requests(), std::vector<std::uint8_t>{160});
}

TEST_F(UsbTmcTest, AbortsAndClearsAfterATimeoutAndTheNextQuestionWorks) {
  open();
  plug.locked([&] { instrument.mute = true; });
  const auto before = Clock::now();
  EXPECT_EQ(link->ask("A?", in(100ms)).error().code, Code::timeout);
  EXPECT_LT(Clock::now() - before, 5s);
  EXPECT_EQ(requests(), (std::vector<std::uint8_t>{3, 4, 5, 6}));
  plug.locked([&] { instrument.mute = false; });
  EXPECT_EQ(*link->ask("B?", in(20s)), "echo B?");
  EXPECT_EQ(times_heard("A?\n"), 1u);
}

TEST_F(UsbTmcTest, RefusesTheReplyToAnotherQuestionAndGoesOn) {
  open();
  plug.locked([&] { instrument.spoil_tag = 0x10; });
  EXPECT_EQ(link->ask("A?", in(1s)).error().code, Code::protocol);
  EXPECT_EQ(*link->ask("B?", in(20s)), "echo B?");
}

TEST_F(UsbTmcTest, RefusesAnotherKindOfMessageAndGoesOn) {
  open();
  plug.locked([&] { instrument.spoil_id = 0x7e; });
  EXPECT_EQ(link->ask("A?", in(1s)).error().code, Code::protocol);
  EXPECT_EQ(*link->ask("B?", in(20s)), "echo B?");
}

TEST_F(UsbTmcTest, RefusesGarbageAndGoesOn) {
  open();
  plug.locked([&] { instrument.garbage = true; });
  EXPECT_EQ(link->ask("A?", in(1s)).error().code, Code::protocol);
  EXPECT_EQ(*link->ask("B?", in(20s)), "echo B?");
}

TEST_F(UsbTmcTest, SaysProtocolToAStallAndGoesOn) {
  open();
  plug.stall(0x02);
  EXPECT_EQ(link->command("A", in(1s)).error().code, Code::protocol);
  EXPECT_EQ(times_heard("A\n"), 0u);
  EXPECT_EQ(*link->ask("B?", in(20s)), "echo B?");
}

TEST_F(UsbTmcTest, EndsAQuestionAtOnceWhenUnplugged) {
  open();
  plug.locked([&] { instrument.mute = true; });
  std::thread hand([&] {
    std::this_thread::sleep_for(50ms);
    plug.unplug();
  });
  const auto before = Clock::now();
  EXPECT_EQ(link->ask("A?", in(10s)).error().code, Code::disconnected);
  EXPECT_LT(Clock::now() - before, 5s);
  hand.join();
}

TEST_F(UsbTmcTest, EnablesRemoteControlAgainAfterAReplug) {
  open(true);
  ASSERT_TRUE(link->ask("A?", in(20s)));
  plug.unplug();
  ASSERT_TRUE(eventually([&] { return link->link() == Link::disconnected; }));
  plug.replug();
  ASSERT_TRUE(eventually([&] { return link->link() == Link::connected; }));
  EXPECT_EQ(*link->ask("B?", in(20s)), "echo B?");
  EXPECT_EQ(requests(), std::vector<std::uint8_t>{160});
}

TEST_F(UsbTmcTest, AnswersEachOfSeveralAskersItsOwn) {
  open();
  std::vector<std::thread> askers;
  for (int t = 0; t < 4; ++t)
    askers.emplace_back([&, t] {
      const std::string question = "Q" + std::to_string(t) + "?";
      for (int i = 0; i < 50; ++i) EXPECT_EQ(*link->ask(question, in(10s)), "echo " + question);
    });
  for (auto& asker : askers) asker.join();
}

TEST_F(UsbTmcTest, IsNotFoundWhereTheDeviceIsNoInstrument) {
  EXPECT_EQ(open_usbtmc(*context, {{0x1209, 0x0010, ""}, false}, nullptr, {}).error().code, Code::not_found);
}

}  // namespace
}  // namespace nicol::transport
