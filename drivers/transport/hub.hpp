// SPDX-License-Identifier: Apache-2.0
// What the drivers of one program share: the USB context, the wire log, and buses that several devices sit on.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "drivers/transport/usb.hpp"
#include "drivers/transport/wire_log.hpp"

namespace nicol::transport {

/// Outlives every device made through it. Thread-safe.
class Hub {
 public:
  Hub() = default;
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  WireLog& log() { return log_; }
  /// Made at first use.
  Result<UsbContext*> usb();

  /// The T that was kept under this key ("elliptec /dev/ttyUSB0", "rig NIC001"), made by `make` (a
  /// Result<std::unique_ptr<T>>) the first time. Lives as long as the hub.
  template <class T, class Make>
  Result<T*> shared(const std::string& key, Make make) {
    const std::lock_guard lock(mutex_);
    if (auto it = kept_.find(key); it != kept_.end()) return static_cast<Kept<T>*>(it->second.get())->value.get();
    auto made = make();
    if (!made) return std::move(made).error();
    auto kept = std::make_unique<Kept<T>>(*std::move(made));
    T* value = kept->value.get();
    kept_.emplace(key, std::move(kept));
    return value;
  }

 private:
  struct Anything {
    virtual ~Anything() = default;
  };
  template <class T>
  struct Kept final : Anything {
    explicit Kept(std::unique_ptr<T> v) : value(std::move(v)) {}
    std::unique_ptr<T> value;
  };
  WireLog log_;
  std::mutex usb_mutex_;  // guards usb_
  std::unique_ptr<UsbContext> usb_;
  std::mutex mutex_;  // guards kept_; after usb_, so that buses go first
  std::map<std::string, std::unique_ptr<Anything>> kept_;
};

}  // namespace nicol::transport
