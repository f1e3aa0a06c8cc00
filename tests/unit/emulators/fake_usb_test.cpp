// SPDX-License-Identifier: Apache-2.0
// Each knob of the fake USB bus as unmodified libusb sees it.
#include "tests/support/fake_usb.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

#include "tests/unit/emulators/bulk_box.hpp"
#include "tests/unit/emulators/usb_host.hpp"

namespace nicol::test {
namespace {

using Bytes = BulkBox::Bytes;

/// A box, plugged in, opened and claimed.
class FakeUsbTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(host.open(), 0); }

  void let_it_say(std::uint8_t endpoint, Bytes bytes) {
    usb.locked([&] { box.says[endpoint].push_back(std::move(bytes)); });
  }

  BulkBox box;
  FakeUsb usb{box, {}};
  UsbHost host;
};

std::string sysfs(const std::string& attribute) {
  const int fd = ::open(("/sys/bus/usb/devices/1-1/" + attribute).c_str(), O_RDONLY);
  if (fd < 0) return "(none)";
  std::array<char, 128> text{};
  const ssize_t n = ::read(fd, text.data(), text.size());
  ::close(fd);
  return {text.data(), static_cast<std::size_t>(n)};
}

TEST(FakeUsb, IsSeenByLibusb) { EXPECT_NO_THROW(check_usb_interposition()); }

TEST_F(FakeUsbTest, ShowsItsStrings) {
  EXPECT_EQ(host.text(1), "Nicol tests");
  EXPECT_EQ(host.text(2), "Bulk box");
  EXPECT_EQ(host.text(3), "BB0001");
  EXPECT_EQ(libusb_get_device_speed(libusb_get_device(host.handle())), LIBUSB_SPEED_HIGH);
}

TEST_F(FakeUsbTest, ShowsItsAttributesInSysfs) {
  EXPECT_EQ(sysfs("idVendor"), "1209\n");
  EXPECT_EQ(sysfs("idProduct"), "0042\n");
  EXPECT_EQ(sysfs("manufacturer"), "Nicol tests\n");
  EXPECT_EQ(sysfs("product"), "Bulk box\n");
  EXPECT_EQ(sysfs("serial"), "BB0001\n");
  EXPECT_EQ(sysfs("speed"), "480\n");
  EXPECT_EQ(sysfs("nonsense"), "(none)");
}

TEST_F(FakeUsbTest, CarriesTransfersBothWays) {
  EXPECT_EQ(host.send(kOut, {1, 2, 3}), 0);
  usb.locked([&] { EXPECT_EQ(box.heard.front(), (Bytes{1, 2, 3})); });
  let_it_say(kIn, {4, 5});
  EXPECT_EQ(host.receive(kIn, 64).bytes, (Bytes{4, 5}));
  EXPECT_EQ(usb.transfers(sim::FaultSide::to_device), 1U);
  EXPECT_EQ(usb.transfers(sim::FaultSide::from_device), 1U);
  EXPECT_EQ(usb.open_transfers(), 0);
}

TEST_F(FakeUsbTest, HandsVendorRequestsToTheDevice) {
  std::array<unsigned char, 4> data{};
  EXPECT_EQ(libusb_control_transfer(host.handle(), 0xc0, 7, 0x55, 0, data.data(), 4, 1000), 4);
  EXPECT_EQ(data[3], 0x55);
  EXPECT_EQ(libusb_control_transfer(host.handle(), 0x40, 0x99, 0, 0, nullptr, 0, 1000), LIBUSB_ERROR_PIPE);
}

TEST_F(FakeUsbTest, AReplyThatComesLaterEndsTheWait) {
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    let_it_say(kIn, {9});
  });
  EXPECT_EQ(host.receive(kIn, 64).bytes, Bytes{9});
  later.join();
}

TEST_F(FakeUsbTest, KickedFromOutsideItServesWhatWaits) {
  box.due = Picoseconds{1};  // read by nobody yet: no transfer has been submitted
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    usb.locked([&] { box.says[kIn].push_back({7}); });
    usb.kick();
  });
  EXPECT_EQ(host.receive(kIn, 64).bytes, Bytes{7});
  later.join();
}

TEST_F(FakeUsbTest, SilenceIsATimeoutThatLosesNothing) {
  EXPECT_EQ(host.receive(kIn, 64, 20).status, LIBUSB_ERROR_TIMEOUT);
  EXPECT_EQ(usb.open_transfers(), 0);
  let_it_say(kIn, {1});
  EXPECT_EQ(host.receive(kIn, 64).bytes, Bytes{1});
}

TEST_F(FakeUsbTest, WholePacketsDoNotEndATransfer) {
  let_it_say(kIn, Bytes(kPacket, 1));
  const auto unfinished = host.receive(kIn, 4 * kPacket, 50);
  EXPECT_EQ(unfinished.status, LIBUSB_ERROR_TIMEOUT);
  EXPECT_EQ(unfinished.bytes.size(), kPacket) << "a cancelled transfer keeps what it got";
}

TEST_F(FakeUsbTest, AnEmptyPacketEndsATransfer) {
  usb.locked([&] { box.says[kIn] = {Bytes(kPacket, 1), Bytes{}}; });
  const auto whole = host.receive(kIn, 4 * kPacket);
  EXPECT_EQ(whole.status, 0);
  EXPECT_EQ(whole.bytes.size(), kPacket);
}

TEST_F(FakeUsbTest, AShortPacketEndsATransfer) {
  let_it_say(kIn, Bytes(kPacket + 1, 1));
  EXPECT_EQ(host.receive(kIn, 4 * kPacket).bytes.size(), kPacket + 1);
}

TEST_F(FakeUsbTest, AFullBufferEndsATransferAndTheRestComesNext) {
  let_it_say(kIn, Bytes(kPacket + 1, 1));
  EXPECT_EQ(host.receive(kIn, kPacket).bytes.size(), kPacket);
  EXPECT_EQ(host.receive(kIn, kPacket).bytes.size(), 1U);
}

TEST_F(FakeUsbTest, APacketTooLongForTheBufferOverflows) {
  let_it_say(kIn, Bytes(100, 1));
  EXPECT_EQ(host.receive(kIn, 64).status, LIBUSB_ERROR_OVERFLOW);
}

TEST_F(FakeUsbTest, ADeviceThatTakesNothingMakesTheHostWait) {
  usb.locked([&] { box.takes = 0; });
  EXPECT_EQ(host.send(kOut, {1}, 20), LIBUSB_ERROR_TIMEOUT);
  usb.locked([&] { EXPECT_TRUE(box.heard.empty()); });
  usb.locked([&] { box.takes = 1; });
  EXPECT_EQ(host.send(kOut, {1, 2}), 0);
  usb.locked([&] { EXPECT_EQ(box.heard.size(), 2U); });
}

TEST_F(FakeUsbTest, AStalledEndpointStaysSoUntilItIsCleared) {
  usb.stall(kIn);
  let_it_say(kIn, {1});
  EXPECT_EQ(host.receive(kIn, 64).status, LIBUSB_ERROR_PIPE);
  EXPECT_EQ(host.receive(kIn, 64).status, LIBUSB_ERROR_PIPE);
  EXPECT_EQ(libusb_clear_halt(host.handle(), kIn), 0);
  EXPECT_EQ(host.receive(kIn, 64).bytes, Bytes{1});
}

TEST_F(FakeUsbTest, ADeviceMayStallByItself) {
  usb.locked([&] { box.stalls = true; });
  EXPECT_EQ(host.send(kOut, {1}), LIBUSB_ERROR_PIPE);
  usb.locked([&] { box.stalls = false; });
  EXPECT_EQ(host.send(kOut, {1}), LIBUSB_ERROR_PIPE);
  libusb_clear_halt(host.handle(), kOut);
  EXPECT_EQ(host.send(kOut, {1}), 0);
}

TEST_F(FakeUsbTest, AnAlternateSettingHasItsOwnEndpoints) {
  EXPECT_EQ(libusb_set_interface_alt_setting(host.handle(), 0, 1), 0);
  EXPECT_EQ(usb.alternate_setting(), 1);
  EXPECT_NE(host.send(kOut, {1}), 0);
  usb.locked([&] { box.streams = true; });
  EXPECT_EQ(host.receive(kStream, kPacket).bytes.size(), kPacket);
  EXPECT_NE(libusb_set_interface_alt_setting(host.handle(), 0, 9), 0);
}

TEST_F(FakeUsbTest, AnInterfaceIsClaimedOnce) {
  UsbHost other;
  EXPECT_EQ(other.open(), LIBUSB_ERROR_BUSY);
  EXPECT_EQ(usb.claimed(), 1);
  host.close();
  EXPECT_EQ(usb.claimed(), 0);
  EXPECT_EQ(libusb_claim_interface(other.handle(), 0), 0);
}

TEST(FakeUsb, HeldByAnotherProgramIsBusy) {
  BulkBox box;
  FakeUsb::Options options;
  options.claim_busy = true;
  const FakeUsb usb(box, options);
  UsbHost host;
  EXPECT_EQ(host.open(), LIBUSB_ERROR_BUSY);
}

TEST(FakeUsb, DeniedIsListedAndRefusesToOpen) {
  BulkBox box;
  FakeUsb::Options options;
  options.denied = true;
  const FakeUsb usb(box, options);
  UsbHost host;
  EXPECT_EQ(host.open(), LIBUSB_ERROR_ACCESS);
}

TEST(FakeUsb, TheNodeOfADeniedDeviceMayNotBeWritten) {
  BulkBox box;
  FakeUsb::Options options;
  options.denied = true;
  const FakeUsb usb(box, options);
  const std::string number = sysfs("devnum");
  const std::string node =
      "/dev/bus/usb/001/" + std::string(4 - number.size(), '0') + number.substr(0, number.size() - 1);
  EXPECT_EQ(access(node.c_str(), F_OK), 0);
  EXPECT_NE(access(node.c_str(), R_OK | W_OK), 0);
  EXPECT_EQ(errno, EACCES);
}

TEST(FakeUsb, GarbledDescriptorsAreSurvived) {
  BulkBox box;
  FakeUsb::Options options;
  options.bad_descriptors = true;
  const FakeUsb usb(box, options);
  UsbHost host;
  EXPECT_NE(host.open(), 0);
}

TEST_F(FakeUsbTest, ResetBringsTheFirstSettingBack) {
  libusb_set_interface_alt_setting(host.handle(), 0, 1);
  EXPECT_EQ(libusb_reset_device(host.handle()), 0);
  EXPECT_EQ(usb.claimed(), 1);
  EXPECT_EQ(host.send(kOut, {1}), 0);
}

TEST(FakeUsb, ResetMayMakeItAnotherDevice) {
  BulkBox box;
  FakeUsb::Options options;
  options.reset_reenumerates = true;
  FakeUsb usb(box, options);
  UsbHost host;
  ASSERT_EQ(host.open(), 0);
  EXPECT_EQ(libusb_reset_device(host.handle()), LIBUSB_ERROR_NOT_FOUND);
  host.close();
  EXPECT_TRUE(host.until([&] { return host.open() == 0; }));
  usb.locked([&] { EXPECT_EQ(box.power_cycles, 1); });
}

TEST_F(FakeUsbTest, AnotherUserOfTheEmulatorMayKickFromWithin) {
  struct Kicking final : BulkBox {
    int in(std::uint8_t endpoint, std::span<std::uint8_t> into, Picoseconds now) override {
      if (usb != nullptr) usb->kick();
      return BulkBox::in(endpoint, into, now);
    }
    FakeUsb* usb = nullptr;
  } kicking;
  host.close();
  usb.unplug();
  FakeUsb second(kicking, {});
  second.locked([&] { kicking.usb = &second; });
  ASSERT_TRUE(host.until([&] { return host.open() == 0; }));
  second.locked([&] { kicking.says[kIn].push_back({3}); });
  EXPECT_EQ(host.receive(kIn, 64).bytes, Bytes{3});
  host.close();
}

}  // namespace
}  // namespace nicol::test
