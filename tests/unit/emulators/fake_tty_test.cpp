// SPDX-License-Identifier: Apache-2.0
// Each knob of the fake serial adapter as unmodified libserialport sees it.
#include "tests/support/fake_tty.hpp"

#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>

#include "tests/unit/emulators/echo_serial.hpp"
#include "tests/unit/emulators/serial_host.hpp"

namespace nicol::test {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

FakeTty::Options named(const std::string& name) {
  FakeTty::Options options;
  options.name = name;
  return options;
}

FakeTty::Options faulty(sim::Fault fault) {
  FakeTty::Options options = named("ttyRIG0");
  options.faults = {fault};
  return options;
}

bool listed(const std::string& port) {
  const auto ports = listed_ports();
  return std::find(ports.begin(), ports.end(), port) != ports.end();
}

/// Until f() or two seconds.
template <class F>
bool eventually(F f) {
  for (int i = 0; i < 2000 && !f(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return f();
}

TEST(FakeTty, IsSeenByLibserialport) { EXPECT_NO_THROW(check_tty_interposition()); }

TEST(FakeTty, IsListedAmongTheRealPorts) {
  const auto before = listed_ports();
  EchoSerial echo;
  const FakeTty tty(echo, named("ttyRIG0"));
  EXPECT_TRUE(listed("/dev/ttyRIG0"));
  EXPECT_EQ(listed_ports().size(), before.size() + 1);
}

TEST(FakeTty, ShowsItsUsbIdentityWithoutBeingOpened) {
  EchoSerial echo;
  const FakeTty tty(echo, named("ttyRIG0"));
  sp_port* port = nullptr;
  ASSERT_EQ(sp_get_port_by_name("/dev/ttyRIG0", &port), SP_OK);
  int vendor = 0, product = 0;
  EXPECT_EQ(sp_get_port_usb_vid_pid(port, &vendor, &product), SP_OK);
  EXPECT_EQ(vendor, 0x0403);
  EXPECT_EQ(product, 0xfaf0);
  EXPECT_STREQ(sp_get_port_usb_serial(port), "27000001");
  EXPECT_STREQ(sp_get_port_usb_product(port), "Echo box");
  EXPECT_STREQ(sp_get_port_usb_manufacturer(port), "Nicol tests");
  sp_free_port(port);
  EXPECT_EQ(tty.opens(), 0U);
}

TEST(FakeTty, CarriesBytesBothWays) {
  EchoSerial echo;
  FakeTty tty(echo, named("ttyRIG0"));
  const SerialHost host(tty.port());
  ASSERT_EQ(host.status(), SP_OK);
  EXPECT_EQ(host.exchange("0in"), "0in");
  EXPECT_EQ(tty.bytes_to_device(), 3U);
  EXPECT_EQ(tty.bytes_from_device(), 3U);
  EXPECT_EQ(tty.opens(), 1U);
}

TEST(FakeTty, CarriesEveryValueOfAByteUnchanged) {
  EchoSerial echo;
  const FakeTty tty(echo, named("ttyRIG0"));
  const SerialHost host(tty.port());
  std::string all(256, '\0');
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i);
  EXPECT_EQ(host.exchange(all), all);
}

TEST(FakeTty, DeniedIsListedAndRefusesToOpen) {
  EchoSerial echo;
  auto options = named("ttyRIG0");
  options.denied = true;
  const FakeTty tty(echo, options);
  EXPECT_TRUE(listed(tty.port()));
  EXPECT_NE(access("/dev/ttyRIG0", R_OK | W_OK), 0);
  EXPECT_EQ(errno, EACCES);
  const SerialHost host(tty.port());
  EXPECT_EQ(host.status(), SP_ERR_FAIL);
  EXPECT_EQ(errno, EACCES);
}

TEST(FakeTty, GrantedMayBeReadAndWritten) {
  EchoSerial echo;
  const FakeTty tty(echo, named("ttyRIG0"));
  EXPECT_EQ(access("/dev/ttyRIG0", R_OK | W_OK), 0);
}

TEST(FakeTty, HeldExclusivelyIsBusyEvenForRoot) {
  EchoSerial echo;
  const FakeTty tty(echo, named("ttyRIG0"));
  {
    const SerialHost host(tty.port());
    ASSERT_EQ(ioctl(host.descriptor(), TIOCEXCL), 0);
    const SerialHost second(tty.port());
    EXPECT_EQ(second.status(), SP_ERR_FAIL);
    EXPECT_EQ(errno, EBUSY);
  }
  EXPECT_EQ(SerialHost(tty.port()).status(), SP_OK) << "closing gives it back";
}

TEST(FakeTty, OpeningRaisesTheModemLinesAndClosingLowersThem) {
  EchoSerial echo;
  const FakeTty tty(echo, named("ttyRIG0"));
  constexpr unsigned both = TIOCM_DTR | TIOCM_RTS;
  EXPECT_EQ(tty.modem_lines() & both, 0U);
  {
    const SerialHost host(tty.port());
    EXPECT_EQ(tty.modem_lines() & both, both);
    sp_set_dtr(host.raw(), SP_DTR_OFF);
    EXPECT_EQ(tty.modem_lines() & both, unsigned{TIOCM_RTS});
    sp_signal signals{};
    EXPECT_EQ(sp_get_signals(host.raw(), &signals), SP_OK);
    EXPECT_NE(signals & SP_SIG_CTS, 0);
  }
  EXPECT_EQ(tty.modem_lines() & both, 0U);
}

TEST(FakeTty, SeesTheBaudRateAndTheBreakOfTheHost) {
  EchoSerial echo;
  const FakeTty tty(echo, named("ttyRIG0"));
  const SerialHost host(tty.port());
  for (const int baud : {9600, 115'200, 250'000, 3'000'000}) {
    EXPECT_EQ(sp_set_baudrate(host.raw(), baud), SP_OK);
    EXPECT_EQ(tty.baud(), baud);
  }
  sp_start_break(host.raw());
  sp_end_break(host.raw());
  EXPECT_EQ(tty.breaks(), 1U);
}

TEST(FakeTty, AtTheWrongBaudRateBothEndsHearGarbage) {
  EchoSerial echo(115'200);
  FakeTty tty(echo, named("ttyRIG0"));
  const SerialHost host(tty.port());
  sp_set_baudrate(host.raw(), 9600);
  const std::string heard_by_host = host.exchange("hello");
  EXPECT_EQ(heard_by_host.size(), 5U);
  EXPECT_NE(heard_by_host, "hello");
  tty.locked([&] { EXPECT_NE(echo.heard, "hello"); });
  sp_set_baudrate(host.raw(), 115'200);
  EXPECT_EQ(host.exchange("hello"), "hello");
}

TEST(FakeTty, UnpluggedIsNotListedAndItsPortIsDead) {
  EchoSerial echo;
  FakeTty tty(echo, named("ttyRIG0"));
  const SerialHost host(tty.port());
  tty.unplug();
  EXPECT_FALSE(tty.plugged());
  EXPECT_FALSE(listed("/dev/ttyRIG0"));
  EXPECT_LT(sp_input_waiting(host.raw()), 0);
  EXPECT_LT(host.write("x"), 0);
  int lines = 0;
  EXPECT_EQ(ioctl(host.descriptor(), TIOCMGET, &lines), -1);
  EXPECT_EQ(errno, EIO);
  EXPECT_EQ(SerialHost("/dev/ttyRIG0").status(), SP_ERR_ARG);
}

TEST(FakeTty, ReplugsUnderAnotherNameAfterAPowerCycle) {
  EchoSerial echo;
  FakeTty tty(echo, named("ttyRIG0"));
  const SerialHost old(tty.port());
  tty.unplug();
  tty.replug("ttyRIG7");
  EXPECT_EQ(tty.port(), "/dev/ttyRIG7");
  EXPECT_TRUE(listed("/dev/ttyRIG7"));
  EXPECT_FALSE(listed("/dev/ttyRIG0"));
  const SerialHost host(tty.port());
  EXPECT_EQ(host.exchange("again"), "again");
  EXPECT_LT(old.write("x"), 0) << "the old descriptor stays dead";
  tty.locked([&] { EXPECT_EQ(echo.power_cycles, 1); });
}

TEST(FakeTty, ForgetsWhatWasSaidWhileNobodyHadItOpen) {
  EchoSerial echo;
  FakeTty tty(echo, named("ttyRIG0"));
  tty.locked([&] {
    echo.later = "boot message";
    echo.due = {};
  });
  ASSERT_TRUE(eventually([&] { return tty.bytes_from_device() == 12; }));
  const SerialHost host(tty.port());
  EXPECT_EQ(host.read(1, 30), "");
  EXPECT_EQ(host.exchange("hi"), "hi");
}

TEST(FakeTty, SaysWhatFallsDueByItselfAtScaledTime) {
  EchoSerial echo;
  auto options = named("ttyRIG0");
  options.time_scale = 100;
  FakeTty tty(echo, options);
  const SerialHost host(tty.port());
  const auto start = Clock::now();
  tty.locked([&] {
    echo.later = "done";
    echo.due = tty.now() + Picoseconds::seconds(5);
  });
  EXPECT_EQ(host.read(4, 2000), "done");
  EXPECT_GE(seconds_since(start), 0.045);
  EXPECT_LT(seconds_since(start), 1.0);
}

TEST(FakeTty, LatencyIsOneWayEach) {
  EchoSerial echo;
  auto options = named("ttyRIG0");
  options.latency = Picoseconds::seconds(0.03);
  const FakeTty tty(echo, options);
  const SerialHost host(tty.port());
  const auto start = Clock::now();
  EXPECT_EQ(host.exchange("x"), "x");
  EXPECT_GE(seconds_since(start), 0.06);
}

TEST(FakeTty, LineRateMakesBytesTakeTheirTime) {
  EchoSerial echo;
  auto options = named("ttyRIG0");
  options.line_rate = true;
  const FakeTty tty(echo, options);
  const SerialHost host(tty.port());
  sp_set_baudrate(host.raw(), 9600);
  const std::string text(96, 'x');
  const auto start = Clock::now();
  EXPECT_EQ(host.exchange(text), text);
  EXPECT_GE(seconds_since(start), 0.1) << "96 bytes of ten bits at 9600 baud";
}

TEST(FakeTty, DropsExactlyThePlannedByte) {
  EchoSerial echo;
  const FakeTty tty(echo, faulty({sim::FaultKind::drop, sim::FaultSide::to_device, 2, 1, {}, 0}));
  const SerialHost host(tty.port());
  host.write("abcd");
  EXPECT_EQ(host.read(3), "abd");
  EXPECT_EQ(host.read(1, 100), "");
}

TEST(FakeTty, CorruptsOnTheWayBackOnly) {
  EchoSerial echo;
  FakeTty tty(echo, faulty({sim::FaultKind::corrupt, sim::FaultSide::from_device, 0, 1, {}, 0x20}));
  const SerialHost host(tty.port());
  EXPECT_EQ(host.exchange("ab"), "Ab");
  tty.locked([&] { EXPECT_EQ(echo.heard, "ab"); });
}

TEST(FakeTty, ANewPlanCountsFromTheNextByte) {
  EchoSerial echo;
  FakeTty tty(echo, named("ttyRIG0"));
  const SerialHost host(tty.port());
  host.exchange("12345");
  tty.set_faults({{sim::FaultKind::duplicate, sim::FaultSide::to_device, 0, 1, {}, 0}});
  host.write("ab");
  EXPECT_EQ(host.read(3), "aab");
}

TEST(FakeTty, UnplugsAtExactlyThePlannedByteOfAReply) {
  EchoSerial echo;
  FakeTty tty(echo, faulty({sim::FaultKind::unplug, sim::FaultSide::from_device, 3, 1, {}, 0}));
  const SerialHost host(tty.port());
  host.write("abcdef");
  EXPECT_EQ(host.read(3), "abc");
  EXPECT_TRUE(eventually([&] { return !tty.plugged(); }));
  EXPECT_EQ(host.read(1, 100), "");
  EXPECT_LT(sp_input_waiting(host.raw()), 0);
  tty.replug();
  const SerialHost again(tty.port());
  EXPECT_EQ(again.exchange("on"), "on");
}

TEST(FakeTty, UnplugsBeforeTheDeviceHearsThePlannedByte) {
  EchoSerial echo;
  FakeTty tty(echo, faulty({sim::FaultKind::unplug, sim::FaultSide::to_device, 2, 1, {}, 0}));
  const SerialHost host(tty.port());
  host.write("abcd");
  ASSERT_TRUE(eventually([&] { return !tty.plugged(); }));
  tty.locked([&] { EXPECT_EQ(echo.heard, "ab"); });
}

TEST(FakeTty, SleepsWhileNothingHappens) {
  EchoSerial echo;
  FakeTty tty(echo, named("ttyRIG0"));
  const SerialHost host(tty.port());
  host.exchange("x");
  std::uint64_t before = 0, after = 0;
  tty.locked([&] { before = echo.asked; });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  tty.locked([&] { after = echo.asked; });
  EXPECT_LT(after - before, 10U);
}

TEST(FakeTty, DoesNotSpinOnAnEmulatorThatIsAlwaysDue) {
  class AlwaysDue final : public EchoSerial {
   public:
    Picoseconds next_due() const override { return {}; }
  } restless;
  FakeTty tty(restless, named("ttyRIG0"));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  tty.locked([&] { EXPECT_LT(restless.asked, 1000U); });
}

TEST(FakeTty, HoldsSeveralAdaptersApart) {
  EchoSerial one, two;
  FakeTty first(one, named("ttyRIG0")), second(two, named("ttyRIG1"));
  const SerialHost a(first.port()), b(second.port());
  EXPECT_EQ(a.exchange("first"), "first");
  EXPECT_EQ(b.exchange("second"), "second");
  first.locked([&] { EXPECT_EQ(one.heard, "first"); });
  first.unplug();
  EXPECT_EQ(b.exchange("still"), "still");
}

TEST(FakeTty, RefusesANameThatIsNoTerminal) {
  EchoSerial echo;
  EXPECT_THROW(FakeTty(echo, named("null")), std::invalid_argument);
}

}  // namespace
}  // namespace nicol::test
