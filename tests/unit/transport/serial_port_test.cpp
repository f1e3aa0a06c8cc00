// SPDX-License-Identifier: Apache-2.0
#include "drivers/transport/serial_port.hpp"

#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "tests/support/fake_tty.hpp"
#include "tests/unit/transport/eventually.hpp"
#include "tests/unit/transport/talking_device.hpp"

namespace nicol::transport {
namespace {
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

test::FakeTty::Options named(const std::string& name) {
  test::FakeTty::Options options;
  options.name = name;
  return options;
}

struct SerialPortTest : testing::Test {
  TalkingDevice device;
  test::FakeTty tty{device, named("ttyTR0")};
  std::array<std::uint8_t, 256> buffer{};

  SerialPort opened(const SerialSettings& settings = {}) { return *SerialPort::open(tty.port(), settings); }
  static std::vector<std::uint8_t> bytes(std::string_view text) { return {text.begin(), text.end()}; }
  std::string line_from(SerialPort& port) {
    std::string line;
    while (!line.ends_with('\n')) {
      const auto got = port.read(buffer, in(2s));
      if (!got) return line;
      line.append(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*got));
    }
    return line;
  }
};

TEST(SerialFakes, AreSeenByLibserialport) { EXPECT_NO_THROW(test::check_tty_interposition()); }

TEST_F(SerialPortTest, IsListedWithItsAdapterAndNothingIsOpenedForIt) {
  const auto ports = list_serial_ports();
  const auto found = std::find_if(ports.begin(), ports.end(), [&](const auto& p) { return p.port == tty.port(); });
  ASSERT_NE(found, ports.end());
  EXPECT_EQ(found->vendor_id, 0x0403);
  EXPECT_EQ(found->product_id, 0x6015);
  EXPECT_EQ(found->product, "FT230X");
  EXPECT_EQ(found->manufacturer, "FTDI");
  EXPECT_EQ(found->serial, "FT12345");
  EXPECT_TRUE(found->accessible);
  EXPECT_EQ(tty.opens(), 0u);
}

TEST_F(SerialPortTest, IsListedAsInaccessibleWhereTheUserMayNotOpenIt) {
  TalkingDevice other;
  auto options = named("ttyTR1");
  options.denied = true;
  const test::FakeTty denied(other, options);
  EXPECT_FALSE(find_serial_port({denied.port(), 0, 0, ""})->accessible);
}

TEST_F(SerialPortTest, IsFoundByItsAdapterUnderAnyName) {
  const auto found = find_serial_port({"/dev/ttyOLD", 0x0403, 0x6015, "FT12345"});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->port, tty.port());
}

TEST_F(SerialPortTest, SaysWhatIsThereWhenItIsNot) {
  const auto found = find_serial_port({"/dev/ttyTR9", 0, 0, ""});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::not_found);
  EXPECT_NE(found.error().message.find(tty.port()), std::string::npos) << found.error().message;
}

TEST_F(SerialPortTest, OpensWithItsSettings) {
  const SerialPort port = opened({9600, Parity::none, FlowControl::none, ModemLines::raised});
  EXPECT_EQ(tty.baud(), 9600);
  EXPECT_EQ(tty.modem_lines() & (TIOCM_DTR | TIOCM_RTS), unsigned{TIOCM_DTR | TIOCM_RTS});
}

TEST_F(SerialPortTest, LowersBothLinesWhereABoardWouldReset) {
  const SerialPort port = opened({115'200, Parity::none, FlowControl::none, ModemLines::lowered});
  EXPECT_EQ(tty.modem_lines() & (TIOCM_DTR | TIOCM_RTS), 0u);
}

TEST_F(SerialPortTest, LeavesTheLinesLoweredWhenTheRateChanges) {
  SerialPort port = opened({115'200, Parity::none, FlowControl::none, ModemLines::lowered});
  ASSERT_TRUE(port.set_baud(250'000));
  EXPECT_EQ(tty.baud(), 250'000);
  EXPECT_EQ(tty.modem_lines() & (TIOCM_DTR | TIOCM_RTS), 0u);
}

TEST_F(SerialPortTest, SetsEachLineByItself) {
  SerialPort port = opened();
  ASSERT_TRUE(port.set_lines(ModemLines::raised, ModemLines::lowered));
  EXPECT_EQ(tty.modem_lines() & (TIOCM_DTR | TIOCM_RTS), unsigned{TIOCM_DTR});
  ASSERT_TRUE(port.set_lines(ModemLines::lowered, ModemLines::raised));
  EXPECT_EQ(tty.modem_lines() & (TIOCM_DTR | TIOCM_RTS), unsigned{TIOCM_RTS});
}

TEST_F(SerialPortTest, RefusesASecondOpenAsBusyAndSaysWhoMightHoldIt) {
  const SerialPort first = opened();
  const auto second = SerialPort::open(tty.port(), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::busy);
  EXPECT_NE(second.error().message.find("held by"), std::string::npos) << second.error().message;
}

TEST_F(SerialPortTest, CanBeOpenedAgainAfterItWasClosed) {
  { const SerialPort first = opened(); }
  EXPECT_TRUE(SerialPort::open(tty.port(), {}));
}

TEST_F(SerialPortTest, SaysWhichGroupOpensIt) {
  TalkingDevice other;
  auto options = named("ttyTR2");
  options.denied = true;
  const test::FakeTty denied(other, options);
  const auto port = SerialPort::open(denied.port(), {});
  ASSERT_FALSE(port);
  EXPECT_EQ(port.error().code, Code::access_denied);
  EXPECT_NE(port.error().message.find("usermod -aG"), std::string::npos) << port.error().message;
}

TEST_F(SerialPortTest, SaysNotFoundWhereThereIsNone) {
  EXPECT_EQ(SerialPort::open("/dev/ttyTR9", {}).error().code, Code::not_found);
}

TEST_F(SerialPortTest, CarriesBytesBothWays) {
  SerialPort port = opened();
  ASSERT_TRUE(port.write(bytes("hello\n"), in(1s)));
  EXPECT_EQ(line_from(port), "hello\n");
}

TEST_F(SerialPortTest, TimesOutAtTheDeadline) {
  SerialPort port = opened();
  const auto before = Clock::now();
  EXPECT_EQ(port.read(buffer, in(150ms)).error().code, Code::timeout);
  EXPECT_GE(Clock::now() - before, 150ms);
  EXPECT_LT(Clock::now() - before, 5s);
}

TEST_F(SerialPortTest, ReadsWhatIsThereEvenWhenTheDeadlineHasPassed) {
  SerialPort port = opened();
  ASSERT_TRUE(port.write(bytes("x\n"), in(1s)));
  ASSERT_TRUE(eventually([&] { return tty.bytes_from_device() == 2; }));
  ASSERT_TRUE(eventually([&] { return port.read(buffer, in(0ms)).ok(); }));
}

TEST_F(SerialPortTest, StopsReadingAtOnceWhenAsked) {
  SerialPort port = opened();
  std::stop_source stop;
  std::thread stopper([&] {
    std::this_thread::sleep_for(30ms);
    stop.request_stop();
  });
  const auto before = Clock::now();
  EXPECT_EQ(port.read(buffer, {}, stop.get_token()).error().code, Code::cancelled);
  EXPECT_LT(Clock::now() - before, 5s);
  stopper.join();
  EXPECT_EQ(port.read(buffer, in(10ms)).error().code, Code::timeout) << "the stop was for one read";
}

TEST_F(SerialPortTest, SeesAnUnplugWhileReading) {
  SerialPort port = opened();
  std::thread hand([&] {
    std::this_thread::sleep_for(50ms);
    tty.unplug();
  });
  const auto before = Clock::now();
  EXPECT_EQ(port.read(buffer, in(10s)).error().code, Code::disconnected);
  EXPECT_LT(Clock::now() - before, 5s);
  hand.join();
  EXPECT_EQ(port.write(bytes("x"), in(1s)).error().code, Code::disconnected);
}

/// XOFF: the line is stopped as a slow device stops it, and the kernel's buffer fills.
struct StoppedLine : SerialPortTest {
  SerialPort port = opened({9600, Parity::none, FlowControl::xon_xoff, ModemLines::raised});
  void say(char c) {
    tty.locked([&] { device.saying = c; });
    std::this_thread::sleep_for(50ms);
  }
};

TEST_F(StoppedLine, TakesALongMessageNoLongerThanItsDeadline) {
  say('\x13');
  const std::vector<std::uint8_t> message(1'000'000, 'x');
  const auto before = Clock::now();
  const auto written = port.write(message, in(200ms));
  EXPECT_GE(Clock::now() - before, 200ms);
  EXPECT_LT(Clock::now() - before, 5s);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::timeout);
  EXPECT_NE(written.error().message.find("1000000"), std::string::npos) << written.error().message;
}

TEST_F(StoppedLine, LetsNobodyElseInBeforeThatAndTellsThemInTime) {
  say('\x13');
  std::atomic<bool> first_waits{true};
  std::thread first([&] {
    EXPECT_FALSE(port.write(std::vector<std::uint8_t>(1'000'000, 'x'), in(2s)));
    first_waits = false;
  });
  // One that was quicker than the first still found room.
  EXPECT_TRUE(eventually([&] {
    const auto second = port.write(bytes("second\n"), in(50ms));
    return !second && second.error().code == Code::timeout;
  }));
  EXPECT_TRUE(first_waits);
  first.join();
}

TEST_F(SerialPortTest, KeepsMessagesOfSeveralWritersWhole) {
  tty.locked([&] { device.answer = [](const std::string&) { return std::string(); }; });
  SerialPort port = opened();
  std::vector<std::thread> writers;
  for (int w = 0; w < 3; ++w)
    writers.emplace_back([&, w] {
      for (int i = 0; i < 50; ++i) EXPECT_TRUE(port.write(bytes(std::string(200, char('a' + w)) + "\n"), in(5s)));
    });
  for (auto& writer : writers) writer.join();
  ASSERT_TRUE(eventually([&] { return tty.bytes_to_device() == 3 * 50 * 201; }));
  tty.locked([&] {
    ASSERT_EQ(device.heard.size(), 150u);
    for (const auto& line : device.heard) EXPECT_EQ(line, std::string(200, line[0]));
  });
}

}  // namespace
}  // namespace nicol::transport
