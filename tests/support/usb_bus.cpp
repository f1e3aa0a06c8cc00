// SPDX-License-Identifier: Apache-2.0
#include "tests/support/usb_bus.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "tests/support/usb_descriptors.hpp"

namespace nicol::test {
namespace {

std::string formatted(const char* format, int value) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::optional<std::string> line(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text + "\n");
}

}  // namespace

std::string UsbListing::node() const { return formatted("/dev/bus/usb/001/%03d", address); }
std::string UsbListing::syspath() const { return "/sys/bus/usb/devices/" + port; }

std::optional<std::string> UsbListing::attribute(std::string_view name) const {
  const UsbLayout layout = read_layout(identity.descriptors);
  if (name == "busnum") return "1\n";
  if (name == "devnum") return line(std::to_string(address));
  if (name == "speed") return line(std::to_string(speed_mbit));
  if (name == "bConfigurationValue") return line(std::to_string(layout.configuration));
  if (name == "descriptors") return std::string(identity.descriptors.begin(), identity.descriptors.end());
  if (name == "idVendor") return line(formatted("%04x", layout.vendor_id));
  if (name == "idProduct") return line(formatted("%04x", layout.product_id));
  if (name == "product") return line(identity.product);
  if (name == "manufacturer") return line(identity.manufacturer);
  if (name == "serial") return line(identity.serial);
  return std::nullopt;
}

UsbMonitor::UsbMonitor() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) {
  if (event_ < 0) throw std::runtime_error("no eventfd");
}

UsbMonitor::~UsbMonitor() { real_close(event_); }

void UsbMonitor::post(UsbNews news) {
  const std::lock_guard lock(mutex_);
  news_.push_back(std::move(news));
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(event_, &one, sizeof one);
}

std::optional<UsbNews> UsbMonitor::take() {
  const std::lock_guard lock(mutex_);
  if (news_.empty()) return std::nullopt;
  std::uint64_t one = 0;
  [[maybe_unused]] const ssize_t n = ::read(event_, &one, sizeof one);
  UsbNews news = std::move(news_.front());
  news_.pop_front();
  return news;
}

// Leaked: libusb's threads may ask after main has returned.
UsbBus& UsbBus::instance() {
  static auto* const made = new UsbBus;
  return *made;
}

int UsbBus::next_address() {
  const std::lock_guard lock(mutex_);
  constexpr int kLast = 127;
  last_address_ = last_address_ < kLast ? last_address_ + 1 : 2;
  return last_address_;
}

void UsbBus::tell(const UsbNews& news) {
  for (const auto& monitor : monitors_) monitor->post(news);
}

void UsbBus::arrive(const UsbListed& listing) {
  const std::lock_guard lock(mutex_);
  listings_.push_back(listing);
  tell({"add", listing});
}

void UsbBus::leave(const UsbListed& listing) {
  const std::lock_guard lock(mutex_);
  if (std::erase(listings_, listing) != 0) tell({"remove", listing});
}

std::vector<UsbListed> UsbBus::listings() const {
  const std::lock_guard lock(mutex_);
  return listings_;
}

UsbMonitor* UsbBus::listen() {
  const std::lock_guard lock(mutex_);
  return monitors_.emplace_back(std::make_unique<UsbMonitor>()).get();
}

void UsbBus::stop_listening(const UsbMonitor* monitor) {
  const std::lock_guard lock(mutex_);
  std::erase_if(monitors_, [&](const auto& m) { return m.get() == monitor; });
}

}  // namespace nicol::test
