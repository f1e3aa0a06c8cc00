// SPDX-License-Identifier: Apache-2.0
// The fake adapters in /dev and /sys/class/tty, as libserialport looks for them.
#include <algorithm>
#include <array>
#include <cerrno>

#include "tests/support/tty_adapter.hpp"

namespace nicol::test {
namespace {

constexpr std::string_view kDevices = "/dev/", kClass = "/sys/class/tty";

class TtyTree final : public FakeTree {
 public:
  void add(std::shared_ptr<TtyAdapter> adapter) {
    const std::lock_guard lock(mutex_);
    adapters_.push_back(std::move(adapter));
  }
  void remove(const TtyAdapter& adapter) {
    const std::lock_guard lock(mutex_);
    std::erase_if(adapters_, [&](const auto& a) { return a.get() == &adapter; });
  }

  std::optional<Opened> open(std::string_view path, int flags) override {
    const auto adapter = at_node(path);
    if (!adapter) return std::nullopt;
    return adapter->open(flags);
  }

  std::optional<std::string> text(std::string_view path) override {
    const auto found = at_class(path);
    if (!found.adapter) return std::nullopt;
    // ttyACM0 hangs below the interface, ttyUSB0 one deeper.
    for (const std::string_view up : {"device/../", "device/../../"})
      if (found.rest.starts_with(up))
        if (auto value = found.adapter->attribute(found.rest.substr(up.size()))) return value;
    return std::nullopt;
  }

  std::optional<std::string> link(std::string_view path) override {
    const auto found = at_class(path);
    if (!found.adapter || !found.rest.empty()) return std::nullopt;
    const bool usb = found.adapter->identity().vendor_id != 0;
    const std::string parent = usb ? "../../devices/pci0000:00/usb1/1-1/1-1:1.0/tty/" : "../../devices/pnp0/00:01/tty/";
    return parent + found.adapter->name();
  }

  std::optional<int> access(std::string_view path, int mode) override {
    if (at_class(path).adapter && at_class(path).rest.empty()) return 0;
    const auto adapter = at_node(path);
    if (!adapter) return std::nullopt;
    return mode == 0 ? 0 : adapter->access_error();
  }

  std::optional<std::vector<std::string>> entries(std::string_view directory) override {
    if (directory.ends_with('/')) directory.remove_suffix(1);
    if (directory != kClass) return std::nullopt;
    std::vector<std::string> names;
    const std::lock_guard lock(mutex_);
    for (const auto& adapter : adapters_)
      if (adapter->plugged()) names.push_back(adapter->name());
    return names;
  }

 private:
  struct Found {
    std::shared_ptr<TtyAdapter> adapter;
    std::string_view rest;
  };

  std::shared_ptr<TtyAdapter> named(std::string_view name) {
    if (!name.starts_with("tty")) return nullptr;
    const std::lock_guard lock(mutex_);
    for (const auto& adapter : adapters_)
      if (adapter->plugged() && adapter->name() == name) return adapter;
    return nullptr;
  }
  std::shared_ptr<TtyAdapter> at_node(std::string_view path) {
    return path.starts_with(kDevices) ? named(path.substr(kDevices.size())) : nullptr;
  }
  Found at_class(std::string_view path) {
    if (!path.starts_with(kClass) || path.size() <= kClass.size() || path[kClass.size()] != '/') return {};
    path.remove_prefix(kClass.size() + 1);
    const std::size_t slash = std::min(path.find('/'), path.size());
    return {named(path.substr(0, slash)), path.substr(std::min(slash + 1, path.size()))};
  }

  std::mutex mutex_;  // guards adapters_
  std::vector<std::shared_ptr<TtyAdapter>> adapters_;
};

// Leaked: descriptors may outlive main.
TtyTree& tree() {
  static auto* const made = new TtyTree;
  return *made;
}

}  // namespace

FakeTree& tty_tree() { return tree(); }
void add_tty(std::shared_ptr<TtyAdapter> adapter) { tree().add(std::move(adapter)); }
void remove_tty(const TtyAdapter& adapter) { tree().remove(adapter); }

}  // namespace nicol::test
