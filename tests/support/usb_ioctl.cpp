// SPDX-License-Identifier: Apache-2.0
// usbfs's ioctls and the standard requests of endpoint 0, as libusb makes them.
#include <linux/usbdevice_fs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "tests/support/usb_model.hpp"

namespace nicol::test {
namespace {

constexpr std::uint32_t kCapabilities = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_BULK_CONTINUATION |
                                        USBDEVFS_CAP_NO_PACKET_SIZE_LIM | USBDEVFS_CAP_BULK_SCATTER_GATHER |
                                        USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
constexpr std::size_t kSetupLength = 8;
constexpr std::uint8_t kTypeBits = 0x60, kFromDevice = 0x80;
constexpr std::uint8_t kGetStatus = 0, kClearFeature = 1, kGetDescriptor = 6, kGetConfiguration = 8, kGetInterface = 10;

template <class T>
const T& in(const void* argument) {
  return *static_cast<const T*>(argument);
}

int copied(std::span<const std::uint8_t> from, std::span<std::uint8_t> to) {
  const std::size_t count = std::min(from.size(), to.size());
  std::copy_n(from.begin(), count, to.begin());
  return static_cast<int>(count);
}

}  // namespace

std::optional<int> UsbModel::ioctl(UsbHandle& handle, unsigned long request, void* argument) {
  if (request == USBDEVFS_CLAIMINTERFACE || request == USBDEVFS_SETINTERFACE || request == USBDEVFS_CLEAR_HALT)
    wait_while_held();
  const std::lock_guard lock(mutex_);
  if (request == USBDEVFS_REAPURB || request == USBDEVFS_REAPURBNDELAY) return reap(handle, argument);
  if (request == USBDEVFS_DISCARDURB) return handle.discard(argument) ? 0 : -EINVAL;
  if (handle.cut()) return -ENODEV;
  switch (request) {
    case USBDEVFS_GET_CAPABILITIES:
      *static_cast<std::uint32_t*>(argument) = kCapabilities;
      return 0;
    case USBDEVFS_CLAIMINTERFACE:
      return claim(handle, in<unsigned>(argument));
    case USBDEVFS_RELEASEINTERFACE:
      return handle.claimed.erase(in<unsigned>(argument)) != 0 ? 0 : -EINVAL;
    case USBDEVFS_SETINTERFACE:
      return set_interface(in<usbdevfs_setinterface>(argument));
    case USBDEVFS_SETCONFIGURATION:
      return in<unsigned>(argument) == layout_.configuration ? 0 : -EINVAL;
    case USBDEVFS_CLEAR_HALT:
      traffic_.clear_halt(static_cast<std::uint8_t>(in<unsigned>(argument)));
      return 0;
    case USBDEVFS_RESET:
      return reset();
    case USBDEVFS_SUBMITURB:
      return submit(handle, static_cast<usbdevfs_urb*>(argument));
    case USBDEVFS_GETDRIVER:
    case USBDEVFS_IOCTL:
      return -ENODATA;  // no kernel driver is bound
    default:
      return -ENOTTY;
  }
}

int UsbModel::reap(UsbHandle& handle, void* argument) {
  usbdevfs_urb* const urb = handle.reap();
  if (urb == nullptr) return handle.cut() ? -ENODEV : -EAGAIN;
  *static_cast<usbdevfs_urb**>(argument) = urb;
  return 0;
}

int UsbModel::claim(UsbHandle& handle, unsigned interface) {
  const bool exists = std::any_of(layout_.interfaces.begin(), layout_.interfaces.end(),
                                  [&](const UsbInterfaceInfo& i) { return i.interface == interface; });
  if (!exists) return -ENOENT;
  if (options_.claim_busy) return -EBUSY;
  for (const UsbHandle* const other : handles_)
    if (other != &handle && other->claimed.contains(interface)) return -EBUSY;
  handle.claimed.insert(interface);
  return 0;
}

int UsbModel::set_interface(const usbdevfs_setinterface& wanted) {
  const bool exists = std::any_of(layout_.interfaces.begin(), layout_.interfaces.end(), [&](const UsbInterfaceInfo& i) {
    return i.interface == wanted.interface && i.alternate == wanted.altsetting;
  });
  if (!exists) return -EINVAL;
  alternates_[wanted.interface] = last_alternate_ = wanted.altsetting;
  configure();
  return 0;
}

int UsbModel::reset() {
  alternates_.clear();
  last_alternate_ = 0;
  if (!options_.reset_reenumerates) {
    configure();
    return 0;
  }
  power_cycle("");
  return -ENODEV;  // the handle is of the device that was there before
}

int UsbModel::submit(UsbHandle& handle, usbdevfs_urb* urb) {
  if (urb->type == USBDEVFS_URB_TYPE_CONTROL) {
    if (static_cast<std::size_t>(urb->buffer_length) < kSetupLength) return -EINVAL;
    UsbTransfer transfer{urb, 0, false, 0, {}, {}};
    const int answered = answer(transfer.buffer());
    transfer.moved = static_cast<std::size_t>(std::max(answered, 0));
    handle.finish(transfer, std::min(answered, 0));
    serve();  // a request may be what an endpoint waited for
    kick();
    return 0;
  }
  if (urb->type != USBDEVFS_URB_TYPE_BULK && urb->type != USBDEVFS_URB_TYPE_INTERRUPT) return -EINVAL;
  if (!traffic_.has(urb->endpoint)) return -ENOENT;
  handle.submit(urb);
  serve();
  if (!handle.waiting[urb->endpoint].empty()) kick();  // the watcher sleeps while nobody waits
  return 0;
}

/// Bytes of data moved, or -errno.
int UsbModel::answer(std::span<std::uint8_t> transfer) {
  const auto setup = transfer.first<kSetupLength>();
  const auto data = transfer.subspan(kSetupLength);
  if ((setup[0] & kTypeBits) == 0) return standard_request(setup, data);
  const int used = emulator_.control(setup, data, clock_.now());
  if (used == sim::kUsbStall) return -EPIPE;
  if ((setup[0] & kFromDevice) == 0) return static_cast<int>(data.size());
  return std::min(std::max(used, 0), static_cast<int>(data.size()));
}

int UsbModel::standard_request(std::span<const std::uint8_t> setup, std::span<std::uint8_t> data) {
  switch (setup[1]) {
    case kGetStatus: {
      const bool of_endpoint = (setup[0] & 0x1fU) == 2;
      const bool halted = of_endpoint && traffic_.halted(setup[4]);
      return copied(std::vector<std::uint8_t>{halted ? std::uint8_t{1} : std::uint8_t{0}, 0}, data);
    }
    case kClearFeature:
      traffic_.clear_halt(setup[4]);
      return 0;
    case kGetDescriptor: {
      const auto bytes = descriptor(emulator_.identity(), setup[3], setup[2]);
      return bytes.empty() ? -EPIPE : copied(bytes, data);
    }
    case kGetConfiguration:
      return copied(std::vector<std::uint8_t>{layout_.configuration}, data);
    case kGetInterface:
      return copied(std::vector<std::uint8_t>{static_cast<std::uint8_t>(alternates_[setup[4]])}, data);
    default:
      return -EPIPE;
  }
}

}  // namespace nicol::test
