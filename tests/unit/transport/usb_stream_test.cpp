// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <mutex>

#include "drivers/transport/usb.hpp"
#include "tests/support/fake_usb.hpp"
#include "tests/unit/transport/eventually.hpp"
#include "tests/unit/transport/loop_device.hpp"

namespace nicol::transport {
namespace {
using namespace std::chrono_literals;
using hal::Link;

struct UsbStreamTest : testing::Test {
  LoopDevice loop;
  test::FakeUsb plug{loop, {}};
  std::unique_ptr<UsbContext> context = *UsbContext::create(nullptr);
  std::unique_ptr<UsbDevice> device = *UsbDevice::open(*context, {{0x1209, 0x0010, ""}, 0, 0, {}});
  std::atomic<std::uint64_t> words{0}, out_of_order{0};
  std::atomic<int> ends{0};
  std::mutex mutex;  // guards why
  Error why;
  std::unique_ptr<UsbDevice::Stream> stream;

  UsbDevice::StreamOptions options() {
    UsbDevice::StreamOptions o;
    o.on_data = [this](std::span<const std::uint8_t> bytes) {
      for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + at, 8);
        if (word != words) ++out_of_order;
        ++words;
      }
    };
    o.on_end = [this](Error error) {
      const std::lock_guard lock(mutex);
      why = std::move(error);
      ++ends;
    };
    return o;
  }
  void start() {
    auto started = device->stream(0x82, options());
    ASSERT_TRUE(started) << describe(started.error());
    stream = *std::move(started);
  }
  void rate(double bytes_per_second) {
    plug.locked([&] { loop.bytes_per_second = bytes_per_second; });
    plug.kick();
  }
  Code end_code() {
    const std::lock_guard lock(mutex);
    return why.code;
  }
};

TEST_F(UsbStreamTest, CarriesFortyMegabytesASecondInOrderAndWithoutLoss) {
  constexpr std::uint64_t kWords = 40'000'000 / 8 / 64 * 64;
  plug.locked([&] { loop.limit = kWords; });
  const auto before = std::chrono::steady_clock::now();
  rate(40e6);
  start();
  // The last transfer is not full and stays in flight until the device says more.
  const std::uint64_t in_flight = options().bytes / 8;
  ASSERT_TRUE(eventually([&] { return words + in_flight > kWords; }, 20s)) << words;
  RecordProperty("seconds",
                 std::to_string(std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count()));
  EXPECT_EQ(out_of_order, 0u);
  EXPECT_EQ(ends, 0);
}

TEST_F(UsbStreamTest, KeepsEightTransfersInFlight) {
  start();
  EXPECT_EQ(plug.open_transfers(), 8);
  stream.reset();
  EXPECT_EQ(plug.open_transfers(), 0);
}

TEST_F(UsbStreamTest, EndsOnceWhenUnpluggedWithAllTransfersInFlight) {
  start();
  plug.unplug();
  ASSERT_TRUE(eventually([&] { return ends == 1; }));
  EXPECT_EQ(end_code(), Code::disconnected);
  EXPECT_EQ(plug.open_transfers(), 0);
  stream.reset();
  EXPECT_EQ(ends, 1);
}

TEST_F(UsbStreamTest, EndsOnceWhenUnpluggedWhileDataFlow) {
  rate(40e6);
  start();
  ASSERT_TRUE(eventually([&] { return words > 100'000; }));
  plug.unplug();
  ASSERT_TRUE(eventually([&] { return ends == 1; }));
  EXPECT_EQ(out_of_order, 0u);
  stream.reset();
  EXPECT_EQ(ends, 1);
}

TEST_F(UsbStreamTest, IsOverAfterAReplugAndANewOneStarts) {
  start();
  plug.unplug();
  ASSERT_TRUE(eventually([&] { return ends == 1; }));
  plug.replug();
  ASSERT_TRUE(eventually([&] { return device->link() == Link::connected; }));
  EXPECT_EQ(plug.open_transfers(), 0);
  stream.reset();
  start();
  EXPECT_EQ(plug.open_transfers(), 8);
}

TEST_F(UsbStreamTest, GoesOnAfterAStall) {
  rate(4e6);
  start();
  ASSERT_TRUE(eventually([&] { return words > 10'000; }));
  plug.stall(0x82);
  const std::uint64_t then = words;
  ASSERT_TRUE(eventually([&] { return words > then + 100'000; }));
  EXPECT_EQ(out_of_order, 0u);
  EXPECT_EQ(ends, 0);
}

TEST_F(UsbStreamTest, EndsOnceWhenItStallsForGood) {
  start();
  for (int i = 0; i < 200 && ends == 0; ++i) {
    plug.stall(0x82);
    std::this_thread::sleep_for(5ms);
  }
  ASSERT_EQ(ends, 1);
  EXPECT_EQ(end_code(), Code::protocol);
  stream.reset();
  EXPECT_EQ(ends, 1);
}

TEST_F(UsbStreamTest, CanBeDestroyedAtAnyMomentWhileDataFlow) {
  rate(40e6);
  for (int i = 0; i < 30; ++i) {
    start();
    std::this_thread::sleep_for(std::chrono::microseconds(300 * i));
    stream.reset();
    EXPECT_EQ(plug.open_transfers(), 0);
  }
  EXPECT_EQ(ends, 0);
}

TEST_F(UsbStreamTest, LetsOtherEndpointsTalkMeanwhile) {
  rate(20e6);
  start();
  std::vector<std::uint8_t> buffer(512);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(device->bulk_out(0x01, std::vector<std::uint8_t>{1, 2, 3}, in(5s)));
    ASSERT_EQ(*device->bulk_in(0x81, buffer, in(5s)), 3u);
  }
  EXPECT_EQ(out_of_order, 0u);
}

TEST_F(UsbStreamTest, RefusesTransfersThatDoNotHoldWholePackets) {
  auto o = options();
  o.bytes = 1000;
  EXPECT_EQ(device->stream(0x82, o).error().code, Code::bad_input);
  EXPECT_EQ(device->stream(0x01, options()).error().code, Code::bad_input);
  EXPECT_EQ(device->stream(0x87, options()).error().code, Code::bad_input);
}

TEST_F(UsbStreamTest, DoesNotStartOnADeviceThatIsGone) {
  plug.unplug();
  ASSERT_TRUE(eventually([&] { return device->link() == Link::disconnected; }));
  EXPECT_EQ(device->stream(0x82, options()).error().code, Code::disconnected);
}

}  // namespace
}  // namespace nicol::transport
