// SPDX-License-Identifier: Apache-2.0
// Far ends of real protocols: bytes in, bytes out, knowing no transport. Whoever carries the bytes (a pseudo-terminal,
// a fake USB bus) calls these from one thread at a time and tells the time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "drivers/hal/units.hpp"

namespace nicol::sim {

/// How a serial device presents itself, and what it demands of the line.
struct SerialIdentity {
  std::uint16_t vendor_id = 0, product_id = 0;
  std::string product, manufacturer, serial;
  int baud = 0;  // 0: any (CDC). A host at another rate hears and says garbage.
};

inline constexpr Picoseconds kNever{std::numeric_limits<std::int64_t>::max()};

/// `now` never goes back. Anything may arrive: no call throws or stops answering for good.
class SerialEmulator {
 public:
  virtual ~SerialEmulator() = default;
  virtual SerialIdentity identity() const = 0;
  virtual void receive(std::span<const std::uint8_t> bytes, Picoseconds now) = 0;
  /// Appends what the device has said by now.
  virtual void collect(std::vector<std::uint8_t>& out, Picoseconds now) = 0;
  /// When collect() may have more without new bytes coming in.
  virtual Picoseconds next_due() const { return kNever; }
  /// Its cable or supply was pulled and put back: what a power cycle does.
  virtual void power_cycle() = 0;
};

struct UsbIdentity {
  std::vector<std::uint8_t> descriptors;      // device and configuration descriptors, as sysfs holds them
  std::string product, manufacturer, serial;  // string descriptors 1 manufacturer, 2 product, 3 serial
};

inline constexpr int kUsbStall = -1;
inline constexpr int kUsbEmptyPacket = -2;  // in() says: a zero-length packet, which ends the transfer

class UsbEmulator {
 public:
  virtual ~UsbEmulator() = default;
  virtual UsbIdentity identity() const = 0;
  /// Class and vendor requests; standard ones are answered by the bus. Bytes of `data` used, or kUsbStall.
  virtual int control(std::span<const std::uint8_t, 8> setup, std::span<std::uint8_t> data, Picoseconds now) = 0;
  /// A whole transfer from the host; kUsbStall, else how many bytes it takes (0: not ready, try again later).
  virtual int out(std::uint8_t endpoint, std::span<const std::uint8_t> bytes, Picoseconds now) = 0;
  /// Fills up to one transfer: whole packets, and a short one at its end or a full buffer. 0: nothing to say now.
  virtual int in(std::uint8_t endpoint, std::span<std::uint8_t> into, Picoseconds now) = 0;
  virtual Picoseconds next_due() const { return kNever; }
  virtual void power_cycle() = 0;
};

}  // namespace nicol::sim
