// SPDX-License-Identifier: Apache-2.0
// The functions of libudev that libusb calls: enumeration and hot-plug of the fake bus, and of nothing else.
#include <deque>
#include <string>
#include <vector>

#include "tests/support/usb_bus.hpp"

using nicol::test::UsbBus;
using nicol::test::UsbListed;
using nicol::test::UsbMonitor;

// libudev's types are opaque to its callers: what is in them is ours.
struct udev {
  int unused = 0;
};
struct udev_list_entry {
  std::string syspath;
  udev_list_entry* next = nullptr;
};
struct udev_enumerate {
  std::vector<udev_list_entry> entries;
};
struct udev_device {
  UsbListed listing;
  const char* action = nullptr;
  std::string node;
};
struct udev_monitor {
  UsbMonitor* monitor = nullptr;
};

namespace {

udev_device* device_of(const UsbListed& listing, const char* action) {
  return new udev_device{listing, action, listing->node()};
}

}  // namespace

extern "C" {

udev* udev_new() { return new udev; }
udev* udev_unref(udev* context) {
  delete context;
  return nullptr;
}

udev_enumerate* udev_enumerate_new(udev* /*context*/) { return new udev_enumerate; }
udev_enumerate* udev_enumerate_unref(udev_enumerate* enumerate) {
  delete enumerate;
  return nullptr;
}
int udev_enumerate_add_match_subsystem(udev_enumerate* /*enumerate*/, const char* /*name*/) { return 0; }
int udev_enumerate_add_match_property(udev_enumerate* /*enumerate*/, const char* /*name*/, const char* /*value*/) {
  return 0;
}
int udev_enumerate_scan_devices(udev_enumerate* enumerate) {
  for (const UsbListed& listing : UsbBus::instance().listings())
    enumerate->entries.push_back({listing->syspath(), nullptr});
  for (std::size_t i = 1; i < enumerate->entries.size(); ++i) enumerate->entries[i - 1].next = &enumerate->entries[i];
  return 0;
}
udev_list_entry* udev_enumerate_get_list_entry(udev_enumerate* enumerate) {
  return enumerate->entries.empty() ? nullptr : enumerate->entries.data();
}
udev_list_entry* udev_list_entry_get_next(udev_list_entry* entry) { return entry->next; }
const char* udev_list_entry_get_name(udev_list_entry* entry) { return entry->syspath.c_str(); }

udev_device* udev_device_new_from_syspath(udev* /*context*/, const char* syspath) {
  for (const UsbListed& listing : UsbBus::instance().listings())
    if (listing->syspath() == syspath) return device_of(listing, nullptr);
  return nullptr;
}
udev_device* udev_device_unref(udev_device* device) {
  delete device;
  return nullptr;
}
const char* udev_device_get_action(udev_device* device) { return device->action; }
const char* udev_device_get_devnode(udev_device* device) { return device->node.c_str(); }
const char* udev_device_get_sysname(udev_device* device) { return device->listing->port.c_str(); }

udev_monitor* udev_monitor_new_from_netlink(udev* /*context*/, const char* /*name*/) {
  return new udev_monitor{UsbBus::instance().listen()};
}
udev_monitor* udev_monitor_unref(udev_monitor* monitor) {
  UsbBus::instance().stop_listening(monitor->monitor);
  delete monitor;
  return nullptr;
}
int udev_monitor_filter_add_match_subsystem_devtype(udev_monitor* /*monitor*/, const char* /*subsystem*/,
                                                    const char* /*type*/) {
  return 0;
}
int udev_monitor_enable_receiving(udev_monitor* /*monitor*/) { return 0; }
int udev_monitor_get_fd(udev_monitor* monitor) { return monitor->monitor->descriptor(); }
udev_device* udev_monitor_receive_device(udev_monitor* monitor) {
  const auto news = monitor->monitor->take();
  return news ? device_of(news->listing, news->action) : nullptr;
}

}  // extern "C"
