// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <future>
#include <mutex>
#include <numeric>
#include <thread>

#include "drivers/transport/usb.hpp"
#include "tests/support/fake_usb.hpp"
#include "tests/unit/transport/eventually.hpp"
#include "tests/unit/transport/loop_device.hpp"

namespace nicol::transport {
namespace {
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using hal::Link;
using Bytes = std::vector<std::uint8_t>;

TEST(UsbFakes, AreSeenByLibusb) { EXPECT_NO_THROW(test::check_usb_interposition()); }

struct UsbDeviceTest : testing::Test {
  LoopDevice loop;
  test::FakeUsb plug{loop, {}};
  WireLog log;
  std::unique_ptr<UsbContext> context = *UsbContext::create(&log);
  std::mutex mutex;  // guards links
  std::vector<Link> links;
  std::unique_ptr<UsbDevice> device;

  UsbDevice::Options options() {
    UsbDevice::Options o;
    o.match = {0x1209, 0x0010, ""};
    o.on_link = [this](Link link) {
      const std::lock_guard lock(mutex);
      links.push_back(link);
    };
    return o;
  }
  void open() {
    auto opened = UsbDevice::open(*context, options());
    ASSERT_TRUE(opened) << describe(opened.error());
    device = *std::move(opened);
  }
  bool sees(std::vector<Link> wanted) {
    return eventually([&] {
      const std::lock_guard lock(mutex);
      return links == wanted;
    });
  }
  static Bytes counting(std::size_t size) {
    Bytes bytes(size);
    std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
    return bytes;
  }
};

TEST_F(UsbDeviceTest, IsListedFromDescriptorsEvenWhereNobodyMayOpenIt) {
  LoopDevice other;
  other.serial = "NIC002";
  test::FakeUsb::Options denied;
  denied.port = "1-2";
  denied.denied = true;
  const test::FakeUsb second(other, denied);
  ASSERT_TRUE(eventually([&] { return context->list().size() == 2; }));
  const auto list = context->list();
  EXPECT_EQ(list[0].port, "usb 1-1");
  EXPECT_EQ(list[0].serial, "NIC001");
  EXPECT_TRUE(list[0].accessible);
  EXPECT_EQ(list[1].vendor_id, 0x1209);
  EXPECT_EQ(list[1].product_id, 0x0010);
  EXPECT_EQ(list[1].product, "Loop");
  EXPECT_EQ(list[1].manufacturer, "Nicol");
  EXPECT_EQ(list[1].serial, "NIC002");
  EXPECT_FALSE(list[1].accessible);
  EXPECT_EQ(plug.claimed(), 0);
}

TEST_F(UsbDeviceTest, TellsItsInterfaceFromDescriptors) {
  const auto found = context->find_interface({0x1209, 0x0010, ""}, 0xff, 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->bulk_out, 0x01);
  EXPECT_EQ(found->packet, 512u);
  EXPECT_EQ(context->find_interface({0x1209, 0x0010, ""}, 0xfe, 3).error().code, Code::not_found);
}

TEST_F(UsbDeviceTest, SaysWhatIsThereWhenItIsNot) {
  auto o = options();
  o.match.serial = "NOPE";
  const auto opened = UsbDevice::open(*context, o);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::not_found);
  EXPECT_NE(opened.error().message.find("NIC001"), std::string::npos) << opened.error().message;
}

TEST_F(UsbDeviceTest, AsksForASerialNumberWhereThereAreTwo) {
  LoopDevice other;
  other.serial = "NIC002";
  test::FakeUsb::Options where;
  where.port = "1-2";
  const test::FakeUsb second(other, where);
  ASSERT_TRUE(eventually([&] { return context->list().size() == 2; }));
  const auto opened = UsbDevice::open(*context, options());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::not_found);
  EXPECT_NE(opened.error().message.find("NIC002"), std::string::npos) << opened.error().message;
}

TEST_F(UsbDeviceTest, ShowsTheUdevRuleThatOpensIt) {
  LoopDevice other;
  other.serial = "NIC002";
  test::FakeUsb::Options denied;
  denied.port = "1-2";
  denied.denied = true;
  const test::FakeUsb second(other, denied);
  ASSERT_TRUE(eventually([&] { return context->list().size() == 2; }));
  auto o = options();
  o.match.serial = "NIC002";
  const auto opened = UsbDevice::open(*context, o);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::access_denied);
  EXPECT_NE(opened.error().message.find("ATTR{idVendor}==\"1209\""), std::string::npos) << opened.error().message;
}

TEST_F(UsbDeviceTest, IsBusyWhileAnotherProgramHoldsIt) {
  open();
  EXPECT_EQ(UsbDevice::open(*context, options()).error().code, Code::busy);
}

TEST_F(UsbDeviceTest, GivesItsInterfaceBackAtTheEnd) {
  open();
  EXPECT_EQ(plug.claimed(), 1);
  device.reset();
  EXPECT_EQ(plug.claimed(), 0);
}

TEST_F(UsbDeviceTest, TakesTheAlternateSettingItWasTold) {
  auto o = options();
  o.alternate_setting = 1;
  const auto opened = UsbDevice::open(*context, o);
  ASSERT_TRUE(opened);
  EXPECT_EQ(plug.alternate_setting(), 1);
}

TEST_F(UsbDeviceTest, CarriesBytesBothWays) {
  open();
  const Bytes message = counting(1000);
  ASSERT_TRUE(device->bulk_out(0x01, message, in(20s)));
  Bytes buffer(4096);
  const auto got = device->bulk_in(0x81, buffer, in(20s));
  ASSERT_TRUE(got) << describe(got.error());
  buffer.resize(*got);
  EXPECT_EQ(buffer, message);
}

TEST_F(UsbDeviceTest, EndsATransferAtAShortPacket) {
  open();
  ASSERT_TRUE(device->bulk_out(0x01, counting(513), in(20s)));
  ASSERT_TRUE(device->bulk_out(0x01, counting(7), in(20s)));
  Bytes buffer(4096);
  EXPECT_EQ(*device->bulk_in(0x81, buffer, in(20s)), 513u);
  EXPECT_EQ(*device->bulk_in(0x81, buffer, in(20s)), 7u);
}

TEST_F(UsbDeviceTest, SaysOverflowWhenThePacketIsLargerThanTheBuffer) {
  open();
  ASSERT_TRUE(device->bulk_out(0x01, counting(100), in(20s)));
  Bytes buffer(10);
  EXPECT_EQ(device->bulk_in(0x81, buffer, in(1s)).error().code, Code::overflow);
}

TEST_F(UsbDeviceTest, TimesOutAndLeavesNothingBehind) {
  open();
  Bytes buffer(512);
  const auto before = Clock::now();
  EXPECT_EQ(device->bulk_in(0x81, buffer, in(100ms)).error().code, Code::timeout);
  EXPECT_GE(Clock::now() - before, 100ms);
  EXPECT_LT(Clock::now() - before, 5s);
  EXPECT_EQ(plug.open_transfers(), 0);
  ASSERT_TRUE(device->bulk_out(0x01, counting(3), in(20s)));
  EXPECT_EQ(*device->bulk_in(0x81, buffer, in(20s)), 3u);
}

TEST_F(UsbDeviceTest, TimesOutOnADeviceThatTakesNothing) {
  plug.locked([&] { loop.deaf = true; });
  open();
  EXPECT_EQ(device->bulk_out(0x01, counting(64), in(50ms)).error().code, Code::timeout);
  EXPECT_EQ(plug.open_transfers(), 0);
}

TEST_F(UsbDeviceTest, ClearsAStallAndSaysProtocol) {
  open();
  plug.stall(0x01);
  EXPECT_EQ(device->bulk_out(0x01, counting(4), in(1s)).error().code, Code::protocol);
  EXPECT_TRUE(device->bulk_out(0x01, counting(4), in(20s)));
}

TEST_F(UsbDeviceTest, AnswersOnEndpointZero) {
  open();
  std::array<std::uint8_t, 4> data{};
  EXPECT_EQ(*device->control({0xc0, 0x42, 0, 0}, data, in(20s)), 4u);
  EXPECT_EQ(data[3], 0x42);
}

TEST_F(UsbDeviceTest, SaysProtocolToARequestItRefusesAndGoesOn) {
  open();
  std::array<std::uint8_t, 4> data{};
  EXPECT_EQ(device->control({0xc0, 0x99, 0, 0}, data, in(1s)).error().code, Code::protocol);
  EXPECT_TRUE(device->control({0xc0, 0x42, 0, 0}, data, in(20s)));
}

TEST_F(UsbDeviceTest, RefusesAnEndpointThatIsNotThere) {
  open();
  EXPECT_FALSE(device->bulk_out(0x07, counting(4), in(20s)));
}

TEST_F(UsbDeviceTest, EndsAWaitingCallWhenUnplugged) {
  open();
  std::thread hand([&] {
    std::this_thread::sleep_for(50ms);
    plug.unplug();
  });
  Bytes buffer(512);
  const auto before = Clock::now();
  EXPECT_EQ(device->bulk_in(0x81, buffer, in(10s)).error().code, Code::disconnected);
  EXPECT_LT(Clock::now() - before, 5s);
  hand.join();
}

TEST_F(UsbDeviceTest, TellsAnUnplugThatNobodyWaitedFor) {
  open();
  plug.unplug();
  ASSERT_TRUE(sees({Link::disconnected}));
  EXPECT_EQ(device->link(), Link::disconnected);
}

TEST_F(UsbDeviceTest, RefusesEveryCallAtOnceWhileUnplugged) {
  open();
  plug.unplug();
  ASSERT_TRUE(sees({Link::disconnected}));
  Bytes buffer(512);
  EXPECT_EQ(device->bulk_out(0x01, buffer, in(1s)).error().code, Code::disconnected);
  EXPECT_EQ(device->bulk_in(0x81, buffer, in(1s)).error().code, Code::disconnected);
  EXPECT_EQ(device->control({0xc0, 0x42, 0, 0}, buffer, in(1s)).error().code, Code::disconnected);
  EXPECT_EQ(device->clear_halt(0x81).error().code, Code::disconnected);
}

TEST_F(UsbDeviceTest, ComesBackOnAnotherPortByItself) {
  open();
  plug.unplug();
  ASSERT_TRUE(sees({Link::disconnected}));
  plug.replug("1-3");
  ASSERT_TRUE(sees({Link::disconnected, Link::connected}));
  EXPECT_EQ(device->info().port, "usb 1-3");
  EXPECT_EQ(plug.claimed(), 1);
  EXPECT_TRUE(device->bulk_out(0x01, counting(4), in(20s)));
}

TEST_F(UsbDeviceTest, ComesBackAfterAReplugTooQuickToSeeItGone) {
  open();
  plug.unplug();
  plug.replug();
  ASSERT_TRUE(sees({Link::disconnected, Link::connected}));
  EXPECT_TRUE(device->bulk_out(0x01, counting(4), in(20s)));
}

TEST_F(UsbDeviceTest, TakesNoOtherDeviceOfItsKind) {
  open();
  plug.unplug();
  ASSERT_TRUE(sees({Link::disconnected}));
  LoopDevice stranger;
  stranger.serial = "NIC002";
  const test::FakeUsb other(stranger, {});
  std::this_thread::sleep_for(400ms);
  EXPECT_EQ(device->link(), Link::disconnected);
  EXPECT_EQ(other.claimed(), 0);
}

TEST_F(UsbDeviceTest, NeverSendsAgainAfterAReplug) {
  open();
  ASSERT_TRUE(device->bulk_out(0x01, counting(4), in(20s)));
  plug.unplug();
  plug.replug();
  ASSERT_TRUE(sees({Link::disconnected, Link::connected}));
  EXPECT_EQ(plug.transfers(sim::FaultSide::to_device), 1u);
}

TEST_F(UsbDeviceTest, ServesManyThreadsAtOnce) {
  open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      std::array<std::uint8_t, 8> data{};
      for (int i = 0; i < 100; ++i) EXPECT_TRUE(device->control({0xc0, 0x42, 0, 0}, data, in(20s)));
    });
  for (auto& thread : threads) thread.join();
}

TEST_F(UsbDeviceTest, SurvivesManyPlugsWhileOthersTransfer) {
  open();
  std::atomic<bool> done{false};
  std::thread talker([&] {
    std::array<std::uint8_t, 8> data{};
    while (!done) {
      const auto answered = device->control({0xc0, 0x42, 0, 0}, data, in(20s));
      EXPECT_TRUE(answered || answered.error().code == Code::disconnected) << describe(answered.error());
    }
  });
  for (int i = 0; i < 5; ++i) {
    plug.unplug();
    EXPECT_TRUE(eventually([&] { return device->link() == Link::disconnected; }));
    plug.replug();
    EXPECT_TRUE(eventually([&] { return device->link() == Link::connected; }));
  }
  done = true;
  talker.join();
}

struct OtherLoop {
  OtherLoop() { other_loop.serial = "NIC002"; }
  LoopDevice other_loop;
};

/// A second device, of another serial number.
struct TwoUsbDevices : UsbDeviceTest, OtherLoop {
  void open_both() {
    ASSERT_TRUE(eventually([&] { return context->list().size() == 2; }));
    auto o = options();
    o.match.serial = "NIC001";
    device = *UsbDevice::open(*context, o);
    other = *UsbDevice::open(*context, {{0x1209, 0x0010, "NIC002"}, 0, 0, {}});
  }
  /// While the other device does not answer. Long before its stall would end: the deadline is generous.
  void expect_transfers_in_time() {
    auto answered = std::async(std::launch::async, [this] {
      std::array<std::uint8_t, 8> data{};
      return device->control({0xc0, 0x42, 0, 0}, data, in(30s)).ok();
    });
    EXPECT_EQ(answered.wait_for(10s), std::future_status::ready);
    other_plug.let_go();
    EXPECT_TRUE(answered.get());
  }
  static test::FakeUsb::Options beside() {
    test::FakeUsb::Options o;
    o.port = "1-2";
    return o;
  }
  test::FakeUsb other_plug{other_loop, beside()};
  std::unique_ptr<UsbDevice> other;
};

TEST_F(TwoUsbDevices, OneThatStallsWhileItComesBackDelaysNoTransferOfTheOther) {
  open_both();
  other_plug.unplug();
  ASSERT_TRUE(eventually([&] { return other->link() == Link::disconnected; }));
  other_plug.hold_settings();
  other_plug.replug();
  ASSERT_TRUE(eventually([&] { return other_plug.held() == 1; }));
  expect_transfers_in_time();
  EXPECT_TRUE(eventually([&] { return other->link() == Link::connected; }));
}

TEST_F(TwoUsbDevices, OneThatStallsWhileItIsOpenedDelaysNoTransferOfTheOther) {
  open_both();
  other.reset();
  other_plug.hold_settings();
  auto opened = std::async(std::launch::async, [this] {
    return UsbDevice::open(*context, {{0x1209, 0x0010, "NIC002"}, 0, 0, {}});
  });
  ASSERT_TRUE(eventually([&] { return other_plug.held() == 1; }));
  expect_transfers_in_time();
  EXPECT_TRUE(opened.get());
}

TEST_F(TwoUsbDevices, OneThatStallsWhileItsEndpointIsClearedDelaysNoTransferOfTheOther) {
  open_both();
  std::atomic<int> ends{0};
  const auto stream =
      other->stream(0x82, {8, 32 * 1024, [](std::span<const std::uint8_t>) {}, [&](const Error&) { ++ends; }});
  ASSERT_TRUE(stream);
  other_plug.hold_settings();
  other_plug.stall(0x82);
  ASSERT_TRUE(eventually([&] { return other_plug.held() == 1; }));
  expect_transfers_in_time();
  EXPECT_TRUE(eventually([&] { return other_plug.open_transfers() == 8; }));
  EXPECT_EQ(ends, 0);
}

TEST_F(TwoUsbDevices, OneThatIsGoneBeforeItWasOpenedIsGone) {
  open_both();
  other_plug.unplug();
  ASSERT_TRUE(eventually([&] { return other->link() == Link::disconnected; }));
  other_plug.hold_settings();
  other_plug.replug();
  ASSERT_TRUE(eventually([&] { return other_plug.held() == 1; }));
  other_plug.unplug();
  other_plug.let_go();
  ASSERT_TRUE(eventually([&] { return other_plug.held() == 0; }));
  std::array<std::uint8_t, 8> data{};
  EXPECT_EQ(other->control({0xc0, 0x42, 0, 0}, data, in(1s)).error().code, Code::disconnected);
  other_plug.replug();
  EXPECT_TRUE(eventually([&] { return other->control({0xc0, 0x42, 0, 0}, data, in(1s)).ok(); }));
}

TEST_F(UsbDeviceTest, LogsLengthsOnly) {
  open();
  const std::string_view secret = "PATTERN";
  ASSERT_TRUE(device->bulk_out(0x01, Bytes(secret.begin(), secret.end()), in(20s)));
  std::string text;
  for (const WireLine& line : log.since(0, 1000)) text += line.text + "|";
  EXPECT_NE(text.find("bulk out (7 bytes)"), std::string::npos) << text;
  EXPECT_EQ(text.find("PATTERN"), std::string::npos) << text;
}

TEST(UsbContext, EndsPromptlyWithNothingOnTheBus) {
  const auto before = Clock::now();
  for (int i = 0; i < 20; ++i) const auto context = UsbContext::create(nullptr);
  EXPECT_LT(Clock::now() - before, 10s);  // the event thread's own turn is a second
}

}  // namespace
}  // namespace nicol::transport
