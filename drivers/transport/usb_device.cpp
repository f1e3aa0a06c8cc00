// SPDX-License-Identifier: Apache-2.0
// One device: opened and claimed, lost, looked for and opened again. A device that is gone keeps its object.
#include <algorithm>

#include "drivers/transport/usb_impl.hpp"

namespace nicol::transport {
namespace {
using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kLookEvery{250};

/// A device with one setting only may refuse to be asked for it.
bool has_choice(libusb_device* device, int number) {
  libusb_config_descriptor* raw = nullptr;
  if (libusb_get_active_config_descriptor(device, &raw) != 0) return false;
  const std::unique_ptr<libusb_config_descriptor, ConfigFree> config(raw);
  for (std::uint8_t i = 0; i < config->bNumInterfaces; ++i) {
    const libusb_interface& settings = config->interface[i];
    if (settings.num_altsetting > 1 && settings.altsetting[0].bInterfaceNumber == number) return true;
  }
  return false;
}

int claim(libusb_device_handle* handle, libusb_device* device, int number, int alternate) {
  libusb_set_auto_detach_kernel_driver(handle, 1);  // Linux binds usbtmc and cdc_acm by itself
  if (const int code = libusb_claim_interface(handle, number); code != 0) return code;
  if (alternate == 0 && !has_choice(device, number)) return 0;
  return libusb_set_interface_alt_setting(handle, number, alternate);
}

}  // namespace

/// The device is known from before it is opened, so that no departure is missed.
Result<void> UsbDevice::Impl::connect() {
  auto found = find_device(context.context, identity);
  if (!found) return std::move(found).error();
  libusb_device* const there = found->get();
  const UsbInfo described_now = describe(there);
  {
    const std::lock_guard lock(mutex);
    device = *std::move(found);
    departed = false;
  }
  libusb_device_handle* opened = nullptr;
  if (const int code = libusb_open(there, &opened); code != 0) return usb_open_error(described_now, code);
  if (const int code = claim(opened, there, options.interface, options.alternate_setting); code != 0) {
    libusb_close(opened);
    return usb_open_error(described_now, code);
  }
  {
    const std::lock_guard lock(mutex);
    if (!departed) {
      handle = opened;
      info = described_now;
      identity.serial = info.serial;
      link = hal::Link::connected;
      return {};
    }
  }
  close(opened);
  return usb_gone(described_now);
}

UsbDevice::Impl::~Impl() {
  {
    const std::lock_guard lock(context.devices_mutex);
    std::erase(context.devices, this);
  }
  std::unique_lock lock(mutex);
  idle.wait(lock, [this] { return in_flight == 0 && !opening; });
  libusb_device_handle* const closing = std::exchange(handle, nullptr);
  lock.unlock();
  close(closing);
}

/// Without the mutex: libusb waits for its event lock, under which callbacks take the mutex.
void UsbDevice::Impl::close(libusb_device_handle* closing) const {
  if (closing == nullptr) return;
  libusb_release_interface(closing, options.interface);
  libusb_close(closing);
}

void UsbDevice::Impl::lost() noexcept {
  link = hal::Link::disconnected;
  context.wake();
}

void UsbDevice::Impl::left() noexcept {
  const std::lock_guard lock(mutex);
  departed = true;
  link = hal::Link::disconnected;
}

void UsbDevice::Impl::tell() {
  hal::Link now = hal::Link::disconnected;
  {
    const std::lock_guard lock(mutex);
    now = link;
    if (opening || now == told) return;
    told = now;
  }
  context.note(described(), now == hal::Link::connected ? "connected" : "disconnected");
  if (options.on_link) options.on_link(now);
}

bool UsbDevice::Impl::look_after() {
  tell();
  {
    const std::lock_guard lock(mutex);
    if (link == hal::Link::connected) return false;
    // Nobody looks for it before its loss was told: else its return would pass for no change.
    if (opening || told == hal::Link::connected || in_flight > 0 || Clock::now() < next_look) return true;
    next_look = Clock::now() + kLookEvery;
    opening = true;
  }
  context.delegate([this] { reopen(); });
  return true;
}

/// The worker's.
void UsbDevice::Impl::reopen() {
  UsbContext::Impl& owner = context;
  libusb_device_handle* closing = nullptr;
  {
    const std::lock_guard lock(mutex);
    closing = std::exchange(handle, nullptr);
    device.reset();
  }
  close(closing);
  const auto connected = connect();
  const std::string why = connected ? "" : connected.error().message;
  if (std::exchange(trouble, why) != why && !why.empty()) context.note(described(), why);  // once, not 4 times a second
  {
    const std::lock_guard lock(mutex);
    opening = false;
    idle.notify_all();  // under the lock: the destructor goes right after
  }
  owner.wake();
}

Result<libusb_device_handle*> UsbDevice::Impl::acquire() {
  const std::lock_guard lock(mutex);
  if (link != hal::Link::connected || handle == nullptr) return usb_gone(info);
  ++in_flight;
  return handle;
}

void UsbDevice::Impl::release() noexcept {
  const std::lock_guard lock(mutex);
  if (--in_flight == 0) idle.notify_all();
}

UsbDevice::UsbDevice(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UsbDevice::~UsbDevice() = default;

Result<std::unique_ptr<UsbDevice>> UsbDevice::open(UsbContext& context, Options options) {
  auto impl = std::make_unique<Impl>(context.impl(), std::move(options));
  {
    const std::lock_guard lock(context.impl().devices_mutex);
    context.impl().devices.push_back(impl.get());
  }
  const auto connected = impl->connect();
  {
    const std::lock_guard lock(impl->mutex);
    impl->opening = false;
    if (connected) impl->told = hal::Link::connected;
  }
  if (!connected) return connected.error();
  context.impl().note(impl->described(), "open");
  return std::unique_ptr<UsbDevice>(new UsbDevice(std::move(impl)));
}

hal::Link UsbDevice::link() const noexcept { return impl_->link; }
UsbInfo UsbDevice::info() const { return impl_->described(); }

}  // namespace nicol::transport
