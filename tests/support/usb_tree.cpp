// SPDX-License-Identifier: Apache-2.0
// The fake bus in /dev/bus/usb and /sys/bus/usb/devices, as libusb looks for it.
#include <cerrno>

#include "tests/support/usb_bus.hpp"
#include "tests/support/usb_model.hpp"

namespace nicol::test {
namespace {

constexpr std::string_view kNodes = "/dev/bus/usb/", kDevices = "/sys/bus/usb/devices";

UsbListed listing_at_node(std::string_view path) {
  if (!path.starts_with(kNodes)) return nullptr;
  for (const UsbListed& listing : UsbBus::instance().listings())
    if (listing->node() == path) return listing;
  return nullptr;
}

struct Attribute {
  UsbListed listing;
  std::string_view name;  // empty: the device's folder
};

Attribute attribute_at(std::string_view path) {
  if (!path.starts_with(kDevices)) return {};
  for (const UsbListed& listing : UsbBus::instance().listings()) {
    const std::string folder = listing->syspath();
    if (path == folder) return {listing, {}};
    if (path.starts_with(folder + "/")) return {listing, path.substr(folder.size() + 1)};
  }
  return {};
}

class UsbTree final : public FakeTree {
 public:
  std::optional<Opened> open(std::string_view path, int /*flags*/) override {
    const UsbListed listing = listing_at_node(path);
    if (!listing) return std::nullopt;
    if (listing->denied) return Opened{-1, EACCES, nullptr};
    return listing->model->open();
  }
  std::optional<std::string> text(std::string_view path) override {
    const Attribute found = attribute_at(path);
    return found.listing ? found.listing->attribute(found.name) : std::nullopt;
  }
  std::optional<std::string> link(std::string_view path) override {
    const Attribute found = attribute_at(path);
    if (!found.listing || !found.name.empty()) return std::nullopt;
    return "../../../devices/pci0000:00/usb1/" + found.listing->port;
  }
  std::optional<int> access(std::string_view path, int mode) override {
    const UsbListed listing = listing_at_node(path);
    if (!listing) return text(path) || link(path) ? std::optional(0) : std::nullopt;
    return mode != 0 && listing->denied ? EACCES : 0;
  }
  std::optional<std::vector<std::string>> entries(std::string_view directory) override {
    if (directory.ends_with('/')) directory.remove_suffix(1);
    if (directory != kDevices) return std::nullopt;
    std::vector<std::string> names;
    for (const UsbListed& listing : UsbBus::instance().listings()) names.push_back(listing->port);
    return names;
  }
};

}  // namespace

FakeTree& usb_tree() {
  static auto* const made = new UsbTree;
  return *made;
}

}  // namespace nicol::test
