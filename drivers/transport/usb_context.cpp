// SPDX-License-Identifier: Apache-2.0
// The event thread of USB runs libusb's callbacks, and outside of them what they asked for; it never waits for a
// device. The worker does what may: one that stalls while it is opened must not hold up the others' transfers.
#include <fmt/format.h>

#include <algorithm>

#include "drivers/transport/usb_impl.hpp"

namespace nicol::transport {
namespace {
/// An adapter that came back is looked for so often even if its arrival was never announced.
constexpr timeval kWhileGone{0, 100'000};
constexpr timeval kOtherwise{1, 0};
}  // namespace

UsbContext::UsbContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UsbContext::~UsbContext() = default;

Result<std::unique_ptr<UsbContext>> UsbContext::create(WireLog* log) {
  auto impl = std::make_unique<Impl>();
  impl->log = log;
  if (auto started = impl->start(); !started) return std::move(started).error();
  return std::unique_ptr<UsbContext>(new UsbContext(std::move(impl)));
}

UsbContext::Impl::~Impl() {
  worker = {};  // first: closing a device needs the event thread
  if (thread.joinable()) {
    stopping = true;
    libusb_interrupt_event_handler(context);
    thread.join();
  }
  jobs.clear();  // they may hold devices
  if (context != nullptr) libusb_exit(context);
}

Result<void> UsbContext::Impl::start() {
  if (const int code = libusb_init(&context); code != 0)
    return Error{Code::io, fmt::format("USB does not start: {}", libusb_error_name(code)), "usb", code, {}};
  if (libusb_has_capability(LIBUSB_CAP_HAS_HOTPLUG) != 0)
    libusb_hotplug_register_callback(context, LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT,
                                     LIBUSB_HOTPLUG_NO_FLAGS, LIBUSB_HOTPLUG_MATCH_ANY, LIBUSB_HOTPLUG_MATCH_ANY,
                                     LIBUSB_HOTPLUG_MATCH_ANY, &Impl::on_hotplug, this, nullptr);
  thread = std::thread([this] { run(); });
  worker = std::jthread([this](const std::stop_token& stop) { run_chores(stop); });
  return {};
}

int LIBUSB_CALL UsbContext::Impl::on_hotplug(libusb_context*, libusb_device* device, libusb_hotplug_event event,
                                             void* self) noexcept {
  auto* impl = static_cast<Impl*>(self);
  if (event == LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED)
    impl->post([impl] { impl->arrived(); });
  else
    impl->post([impl, device] { impl->left(device); });  // compared with, never used
  return 0;
}

void UsbContext::Impl::post(std::function<void()> job) noexcept try {
  {
    const std::lock_guard lock(jobs_mutex);
    jobs.push_back(std::move(job));
  }
  wake();
} catch (...) {  // no memory: the regular look at the devices finds what is new
}

void UsbContext::Impl::wake() noexcept {
  if (!on_event_thread()) libusb_interrupt_event_handler(context);
}

void UsbContext::Impl::delegate(std::function<void()> chore) noexcept {
  {
    const std::lock_guard lock(chores_mutex);
    chores.push_back(std::move(chore));
  }
  chore_came.notify_one();
}

void UsbContext::Impl::run_chores(const std::stop_token& stop) {
  std::unique_lock lock(chores_mutex);
  while (chore_came.wait(lock, stop, [this] { return !chores.empty(); })) {
    const std::function<void()> chore = std::move(chores.front());
    chores.pop_front();
    lock.unlock();
    chore();
    lock.lock();
  }
}

void UsbContext::Impl::run() {
  bool some_gone = false;
  while (!stopping) {
    timeval timeout = some_gone ? kWhileGone : kOtherwise;
    libusb_handle_events_timeout_completed(context, &timeout, nullptr);
    run_jobs();
    some_gone = look_after_devices();
  }
}

void UsbContext::Impl::run_jobs() {
  std::vector<std::function<void()>> now;
  {
    const std::lock_guard lock(jobs_mutex);
    now.swap(jobs);
  }
  for (const auto& job : now) job();
}

bool UsbContext::Impl::look_after_devices() {
  const std::lock_guard lock(devices_mutex);
  bool some_gone = false;
  for (UsbDevice::Impl* device : devices) some_gone = device->look_after() || some_gone;
  return some_gone;
}

void UsbContext::Impl::arrived() {
  const std::lock_guard lock(devices_mutex);
  for (UsbDevice::Impl* device : devices) {
    const std::lock_guard device_lock(device->mutex);
    device->next_look = {};
  }
}

void UsbContext::Impl::left(libusb_device* gone) {
  const std::lock_guard lock(devices_mutex);
  for (UsbDevice::Impl* device : devices) {
    bool mine = false;
    {
      const std::lock_guard device_lock(device->mutex);
      mine = device->device.get() == gone;
    }
    if (mine) device->left();
  }
}

void UsbContext::Impl::note(const UsbInfo& info, std::string_view text) const {
  if (log != nullptr) log->note(name_of(info), text);
}

}  // namespace nicol::transport
