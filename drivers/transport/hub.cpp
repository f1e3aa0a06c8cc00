// SPDX-License-Identifier: Apache-2.0
#include "drivers/transport/hub.hpp"

namespace nicol::transport {

Result<UsbContext*> Hub::usb() {
  const std::lock_guard lock(usb_mutex_);
  if (usb_ == nullptr) {
    auto made = UsbContext::create(&log_);
    if (!made) return std::move(made).error();
    usb_ = *std::move(made);
  }
  return usb_.get();
}

}  // namespace nicol::transport
