// SPDX-License-Identifier: Apache-2.0
// What carries frames to a board and back: USB bulk endpoints, or a serial line with COBS.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "drivers/hal/clocks.hpp"
#include "drivers/hal/device.hpp"
#include "drivers/hal/result.hpp"
#include "drivers/transport/hub.hpp"
#include "drivers/transport/serial_port.hpp"
#include "firmware-protocol/frame.hpp"

namespace nicol::rig {

/// Called on the transport's own thread: must not wait for the board.
struct CarrierEvents {
  std::function<void(const fw::Frame&)> frame;
  std::function<void()> damage;           // bytes came that were no frame
  std::function<void(const Error&)> end;  // nothing more is heard until listen(): unplugged, or it failed for good
  std::function<void(hal::Link)> link;
};

class Carrier {
 public:
  virtual ~Carrier() = default;
  virtual fw::Framing framing() const noexcept = 0;
  /// Plugged in.
  virtual bool present() const noexcept = 0;
  virtual std::string port() const = 0;
  /// Begins to listen; again after every unplug. Never from one of the events.
  virtual Result<void> listen() = 0;
  /// One whole frame. Thread-safe.
  virtual Result<void> send(std::span<const std::uint8_t> frame, Deadline deadline) = 0;
};

inline constexpr std::uint16_t kVendorId = 0x1209, kProductId = 0x0001;  // the test identity of pid.codes

Result<std::unique_ptr<Carrier>> open_usb(transport::Hub& hub, const std::string& serial, CarrierEvents events);
Result<std::unique_ptr<Carrier>> open_serial(transport::Hub& hub, const transport::SerialAddress& where,
                                             CarrierEvents events);

}  // namespace nicol::rig
