// SPDX-License-Identifier: Apache-2.0
// What stands behind an emulated board's pins.
#pragma once

#include "firmware-protocol/board.hpp"

namespace nicol::sim {

/// Called by the firmware, one thread at a time.
class RigHardware : public fw::Board {
 public:
  virtual ~RigHardware() = default;
  /// As after switching on: dark, closed, off, not homed.
  virtual void power_cycle() noexcept = 0;
  /// The supply is gone, and the firmware with it.
  virtual void power_off() noexcept = 0;
  /// The firmware's time, before anything else of this moment is asked.
  virtual void tell_time(std::uint64_t /*now_ms*/) noexcept {}
  std::size_t packet_bytes() const noexcept final { return packet_; }
  void on_usb(std::size_t packet) noexcept { packet_ = packet; }

 private:
  std::size_t packet_ = 0;  // 0: a serial line
};

}  // namespace nicol::sim
