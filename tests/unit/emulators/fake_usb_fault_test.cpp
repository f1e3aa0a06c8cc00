// SPDX-License-Identifier: Apache-2.0
// Planned faults and pulled cables on the fake USB bus, as unmodified libusb sees them.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/support/fake_usb.hpp"
#include "tests/unit/emulators/bulk_box.hpp"
#include "tests/unit/emulators/usb_host.hpp"

namespace nicol::test {
namespace {

using Bytes = BulkBox::Bytes;
using sim::FaultKind;
using sim::FaultSide;
using Clock = std::chrono::steady_clock;

#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr double kLeastRate = 200;  // MB/s: five times what USB 2 carries
#else
constexpr double kLeastRate = 5;
#endif

class FakeUsbFault : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(host.open(), 0); }

  void plan(FaultKind kind, FaultSide side, std::uint64_t at, Picoseconds delay = {}) {
    usb.set_faults({{kind, side, at, 1, delay, 0x40}});
  }
  void let_it_say(std::deque<Bytes> bursts) {
    usb.locked([&] { box.says[kIn] = std::move(bursts); });
  }
  std::deque<Bytes> heard() {
    std::deque<Bytes> copy;
    usb.locked([&] { copy = box.heard; });
    return copy;
  }

  BulkBox box;
  FakeUsb usb{box, {}};
  UsbHost host;
};

TEST_F(FakeUsbFault, DropsExactlyThePlannedReply) {
  plan(FaultKind::drop, FaultSide::from_device, 1);
  let_it_say({{1}, {2}, {3}});
  EXPECT_EQ(host.receive(kIn, 64).bytes, Bytes{1});
  EXPECT_EQ(host.receive(kIn, 64).bytes, Bytes{3});
}

TEST_F(FakeUsbFault, SaysAReplyTwice) {
  plan(FaultKind::duplicate, FaultSide::from_device, 0);
  let_it_say({{1, 2}, {3}});
  EXPECT_EQ(host.receive(kIn, 64).bytes, (Bytes{1, 2}));
  EXPECT_EQ(host.receive(kIn, 64).bytes, (Bytes{1, 2}));
  EXPECT_EQ(host.receive(kIn, 64).bytes, Bytes{3});
}

TEST_F(FakeUsbFault, CorruptsTheMiddleByteOfAReply) {
  plan(FaultKind::corrupt, FaultSide::from_device, 0);
  let_it_say({{1, 2, 3}});
  EXPECT_EQ(host.receive(kIn, 64).bytes, (Bytes{1, 2 ^ 0x40, 3}));
}

TEST_F(FakeUsbFault, ReplacesAReplyByNoise) {
  plan(FaultKind::garbage, FaultSide::from_device, 0);
  let_it_say({Bytes(64, 5)});
  const Bytes noise = host.receive(kIn, kPacket).bytes;
  ASSERT_EQ(noise.size(), 64U);
  EXPECT_EQ(std::count(noise.begin(), noise.end(), 5), 0);
}

TEST_F(FakeUsbFault, ALateReplyOutlivesTheHostsPatience) {
  plan(FaultKind::late, FaultSide::from_device, 0, Picoseconds::seconds(0.06));
  let_it_say({{1}});
  EXPECT_EQ(host.receive(kIn, 64, 20).status, LIBUSB_ERROR_TIMEOUT);
  EXPECT_EQ(host.receive(kIn, 64).bytes, Bytes{1});
}

TEST_F(FakeUsbFault, StallsAtThePlannedReplyUntilCleared) {
  plan(FaultKind::stall, FaultSide::from_device, 1);
  let_it_say({{1}, {2}});
  EXPECT_EQ(host.receive(kIn, 64).bytes, Bytes{1});
  EXPECT_EQ(host.receive(kIn, 64).status, LIBUSB_ERROR_PIPE);
  libusb_clear_halt(host.handle(), kIn);
  EXPECT_EQ(host.receive(kIn, 64).bytes, Bytes{2});
}

TEST_F(FakeUsbFault, DropsExactlyThePlannedCommand) {
  plan(FaultKind::drop, FaultSide::to_device, 1);
  for (std::uint8_t command = 1; command <= 3; ++command) EXPECT_EQ(host.send(kOut, {command}), 0);
  EXPECT_EQ(heard(), (std::deque<Bytes>{{1}, {3}}));
}

TEST_F(FakeUsbFault, SaysACommandTwice) {
  plan(FaultKind::duplicate, FaultSide::to_device, 0);
  EXPECT_EQ(host.send(kOut, {1, 2}), 0);
  EXPECT_EQ(heard(), (std::deque<Bytes>{{1, 2}, {1, 2}}));
}

TEST_F(FakeUsbFault, CorruptsACommandAndNotTheHostsBuffer) {
  plan(FaultKind::corrupt, FaultSide::to_device, 0);
  Bytes command{1, 2, 3};
  EXPECT_EQ(libusb_bulk_transfer(host.handle(), kOut, command.data(), 3, nullptr, 1000), 0);
  EXPECT_EQ(heard().front(), (Bytes{1, 2 ^ 0x40, 3}));
  EXPECT_EQ(command, (Bytes{1, 2, 3}));
}

TEST_F(FakeUsbFault, ALateCommandIsHeardLater) {
  plan(FaultKind::late, FaultSide::to_device, 0, Picoseconds::seconds(0.03));
  const auto start = Clock::now();
  EXPECT_EQ(host.send(kOut, {1}), 0);
  EXPECT_GE(Clock::now() - start, std::chrono::milliseconds(30));
  EXPECT_EQ(heard().size(), 1U);
}

TEST_F(FakeUsbFault, StallsAtThePlannedCommand) {
  plan(FaultKind::stall, FaultSide::to_device, 1);
  EXPECT_EQ(host.send(kOut, {1}), 0);
  EXPECT_EQ(host.send(kOut, {2}), LIBUSB_ERROR_PIPE);
  libusb_clear_halt(host.handle(), kOut);
  EXPECT_EQ(host.send(kOut, {3}), 0);
  EXPECT_EQ(heard(), (std::deque<Bytes>{{1}, {3}}));
}

TEST_F(FakeUsbFault, UnplugsBeforeThePlannedCommandIsHeard) {
  plan(FaultKind::unplug, FaultSide::to_device, 1);
  EXPECT_EQ(host.send(kOut, {1}), 0);
  EXPECT_EQ(host.send(kOut, {2}), LIBUSB_ERROR_NO_DEVICE);
  EXPECT_FALSE(usb.plugged());
  EXPECT_EQ(heard(), std::deque<Bytes>{{1}});
}

TEST_F(FakeUsbFault, UnplugsBeforeThePlannedReplyArrives) {
  plan(FaultKind::unplug, FaultSide::from_device, 1);
  let_it_say({{1}, {2}});
  EXPECT_EQ(host.receive(kIn, 64).bytes, Bytes{1});
  EXPECT_EQ(host.receive(kIn, 64).status, LIBUSB_ERROR_NO_DEVICE);
  EXPECT_EQ(host.receive(kIn, 64).status, LIBUSB_ERROR_NO_DEVICE);
}

TEST(FakeUsb, LatencyDelaysReplies) {
  BulkBox box;
  FakeUsb::Options options;
  options.latency = Picoseconds::seconds(0.02);
  FakeUsb usb(box, options);
  UsbHost host;
  ASSERT_EQ(host.open(), 0);
  usb.locked([&] { box.says[kIn] = std::deque<Bytes>(10, Bytes{1}); });
  const auto start = Clock::now();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(host.receive(kIn, 64).bytes, Bytes{1});
  EXPECT_GE(Clock::now() - start, std::chrono::milliseconds(30)) << "ten draws from 0 to 20 ms";
}

TEST(FakeUsb, AReplyFallsDueAtScaledTime) {
  BulkBox box;
  FakeUsb::Options options;
  options.time_scale = 100;
  FakeUsb usb(box, options);
  UsbHost host;
  ASSERT_EQ(host.open(), 0);
  const auto start = Clock::now();
  usb.locked([&] {
    box.says[kIn] = {{1}};
    box.due = usb.now() + Picoseconds::seconds(4);
  });
  EXPECT_EQ(host.receive(kIn, 64).bytes, Bytes{1});
  EXPECT_GE(Clock::now() - start, std::chrono::milliseconds(38));
}

struct Plugs {
  std::atomic<int> arrived{0}, left{0};
  static int LIBUSB_CALL count(libusb_context*, libusb_device*, libusb_hotplug_event event, void* self) {
    auto& plugs = *static_cast<Plugs*>(self);
    ++(event == LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED ? plugs.arrived : plugs.left);
    return 0;
  }
};

TEST(FakeUsb, TellsLibusbOfComingAndGoing) {
  BulkBox box;
  UsbHost host;
  Plugs plugs;
  libusb_hotplug_callback_handle callback = 0;
  const int events = LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT;
  ASSERT_EQ(libusb_hotplug_register_callback(host.context(), events, 0, 0x1209, 0x0042, LIBUSB_HOTPLUG_MATCH_ANY,
                                             Plugs::count, &plugs, &callback),
            0);
  FakeUsb usb(box, {});
  EXPECT_TRUE(host.until([&] { return plugs.arrived == 1; }));
  usb.unplug();
  EXPECT_TRUE(host.until([&] { return plugs.left == 1; }));
  usb.replug("1-3");
  EXPECT_TRUE(host.until([&] { return plugs.arrived == 2; }));
  EXPECT_EQ(host.open(), 0);
  libusb_hotplug_deregister_callback(host.context(), callback);
}

/// Transfers kept in flight on the stream endpoint.
class Stream {
 public:
  Stream(const UsbHost& host, std::size_t count, std::size_t size) : buffers_(count, Bytes(size)) {
    for (Bytes& buffer : buffers_) {
      libusb_transfer* const t = libusb_alloc_transfer(0);
      libusb_fill_bulk_transfer(t, host.handle(), kStream, buffer.data(), static_cast<int>(size), done, this, 0);
      transfers_.push_back(t);
      if (libusb_submit_transfer(t) == 0) ++in_flight;
    }
  }
  ~Stream() {
    for (libusb_transfer* const t : transfers_) libusb_free_transfer(t);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  std::uint64_t bytes = 0, out_of_order = 0;
  int in_flight = 0, gone = 0;
  bool stop = false;

 private:
  static void LIBUSB_CALL done(libusb_transfer* t) {
    auto& self = *static_cast<Stream*>(t->user_data);
    if (t->status == LIBUSB_TRANSFER_NO_DEVICE) ++self.gone;
    if (t->status == LIBUSB_TRANSFER_COMPLETED) {
      self.bytes += static_cast<std::uint64_t>(t->actual_length);
      if (t->buffer[0] != self.expected_) ++self.out_of_order;
      const auto packets = static_cast<std::size_t>(t->actual_length) / kPacket;
      self.expected_ = static_cast<std::uint8_t>(self.expected_ + packets);
      if (!self.stop && libusb_submit_transfer(t) == 0) return;
    }
    --self.in_flight;
  }
  std::vector<Bytes> buffers_;
  std::vector<libusb_transfer*> transfers_;
  std::uint8_t expected_ = 0;
};

TEST_F(FakeUsbFault, StreamsInOrderFasterThanTheRealBus) {
  usb.locked([&] { box.streams = true; });
  Stream stream(host, 8, 32 * 1024);
  const auto start = Clock::now();
  host.until([&] { return stream.bytes > 64U << 20U; });
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  stream.stop = true;
  ASSERT_TRUE(host.until([&] { return stream.in_flight == 0; }));
  EXPECT_EQ(stream.out_of_order, 0U);
  const double rate = static_cast<double>(stream.bytes) / seconds / 1e6;
  RecordProperty("megabytes_a_second", std::to_string(rate));
  EXPECT_GT(rate, kLeastRate);
}

TEST_F(FakeUsbFault, UnpluggedWithEightTransfersInFlightEndsThemAll) {
  Stream stream(host, 8, 4 * kPacket);
  EXPECT_EQ(usb.open_transfers(), 8);
  usb.unplug();
  ASSERT_TRUE(host.until([&] { return stream.in_flight == 0; }));
  EXPECT_EQ(stream.gone, 8);
  EXPECT_EQ(usb.open_transfers(), 0);
}

TEST_F(FakeUsbFault, UnpluggedWhileStreamingNeverHangs) {
  usb.locked([&] { box.streams = true; });
  for (int round = 0; round < 5; ++round) {
    Stream stream(host, 4, 16 * kPacket);
    std::thread puller([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      usb.unplug();
    });
    EXPECT_TRUE(host.until([&] { return stream.in_flight == 0; }));
    puller.join();
    host.close();
    usb.replug();
    ASSERT_TRUE(host.until([&] { return host.open() == 0; }));
  }
}

}  // namespace
}  // namespace nicol::test
