// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "drivers/transport/scpi.hpp"
#include "tests/support/fake_tty.hpp"
#include "tests/unit/transport/eventually.hpp"
#include "tests/unit/transport/talking_device.hpp"

namespace nicol::transport {
namespace {
using namespace std::chrono_literals;

struct ScpiSerialTest : testing::Test {
  TalkingDevice device;
  test::FakeTty tty{device, [] {
                      test::FakeTty::Options options;
                      options.name = "ttySCPI0";
                      return options;
                    }()};
  std::unique_ptr<ScpiLink> link;

  void open(const ScpiSerialOptions& options = {}) {
    SerialAddress where;
    where.port = tty.port();
    auto opened = open_scpi_serial(where, {}, options, nullptr, {});
    ASSERT_TRUE(opened) << describe(opened.error());
    link = *std::move(opened);
  }
  void answer_by(std::function<std::string(const std::string&)> answer) {
    tty.locked([&] { device.answer = std::move(answer); });
  }
  std::size_t times_heard(const std::string& line) {
    std::size_t count = 0;
    tty.locked([&] { count = static_cast<std::size_t>(std::count(device.heard.begin(), device.heard.end(), line)); });
    return count;
  }
};

TEST_F(ScpiSerialTest, GivesTheReplyWithoutItsTerminator) {
  answer_by([](const std::string& line) { return line == "*IDN?" ? "Maker,Model,1\r\n" : ""; });
  open();
  EXPECT_EQ(*link->ask("*IDN?", in(20s)), "Maker,Model,1");
  EXPECT_EQ(link->port(), tty.port());
}

TEST_F(ScpiSerialTest, SkipsTheEcho) {
  answer_by([](const std::string& line) { return line + "\r\n42\r\n"; });
  ScpiSerialOptions options;
  options.echoes = true;
  open(options);
  EXPECT_EQ(*link->ask("POW?", in(20s)), "42");
}

TEST_F(ScpiSerialTest, WaitsForTheAcknowledgementOfACommand) {
  answer_by([](const std::string& line) { return line == "ON" ? "ok\r\n" : "?3\r\n"; });
  ScpiSerialOptions options;
  options.acknowledge = "ok";
  options.error_prefix = "?";
  open(options);
  EXPECT_TRUE(link->command("ON", in(20s)));
  const auto refused = link->command("NONSENSE", in(20s));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::refused);
  EXPECT_NE(refused.error().message.find("?3"), std::string::npos);
}

TEST_F(ScpiSerialTest, TimesOutOnceAndSendsNothingAgain) {
  answer_by([](const std::string&) { return ""; });
  open();
  EXPECT_EQ(link->ask("POW?", in(100ms)).error().code, Code::timeout);
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(times_heard("POW?"), 1u);
}

TEST_F(ScpiSerialTest, DoesNotTakeALateReplyForTheNextOne) {
  std::atomic<bool> silent{true};
  answer_by([&](const std::string& line) { return silent.load() ? std::string() : "reply to " + line + "\n"; });
  open();
  EXPECT_EQ(link->ask("A?", in(50ms)).error().code, Code::timeout);
  tty.locked([&] {
    device.saying += "reply to A?\n";
    silent = false;
  });
  ASSERT_TRUE(eventually([&] { return tty.bytes_from_device() > 0; }));
  const auto reply = link->ask("B?", in(20s));
  ASSERT_TRUE(reply) << describe(reply.error());
  EXPECT_EQ(*reply, "reply to B?");
}

TEST_F(ScpiSerialTest, ThrowsAwayWhatWasSaidBeforeTheQuestion) {
  open();
  tty.locked([&] { device.saying = "boot message\n"; });
  ASSERT_TRUE(eventually([&] { return tty.bytes_from_device() >= 13; }));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(*link->ask("hello", in(20s)), "hello");
}

TEST_F(ScpiSerialTest, KeepsItsDistanceBetweenCommands) {
  answer_by([](const std::string&) { return ""; });
  ScpiSerialOptions options;
  options.between_commands = 60ms;
  open(options);
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(link->command("X", in(20s)));
  EXPECT_GE(std::chrono::steady_clock::now() - before, 120ms);
}

TEST_F(ScpiSerialTest, EndsAQuestionAtOnceWhenUnplugged) {
  answer_by([](const std::string&) { return ""; });
  open();
  std::thread hand([&] {
    std::this_thread::sleep_for(50ms);
    tty.unplug();
  });
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(link->ask("POW?", in(10s)).error().code, Code::disconnected);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
  hand.join();
  EXPECT_TRUE(eventually([&] { return link->link() == hal::Link::disconnected; }));
}

TEST_F(ScpiSerialTest, RefusesTwoLinesInOne) {
  open();
  EXPECT_EQ(link->command("A\nB", in(1s)).error().code, Code::bad_input);
}

TEST_F(ScpiSerialTest, SurvivesGarbageAndGoesOn) {
  answer_by([](const std::string& line) { return line == "G?" ? std::string(200'000, '\xff') : "fine\n"; });
  open();
  EXPECT_EQ(link->ask("G?", in(300ms)).error().code, Code::timeout);
  ASSERT_TRUE(eventually([&] { return tty.bytes_from_device() >= 200'000; }));
  // On a busy machine the tail may lie in the kernel for longer than the silence that is waited for.
  EXPECT_TRUE(eventually([&] {
    const auto reply = link->ask("F?", in(20s));
    return reply && *reply == "fine";
  }));
}

}  // namespace
}  // namespace nicol::transport
