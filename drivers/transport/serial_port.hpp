// SPDX-License-Identifier: Apache-2.0
// Serial adapters: who is there (from descriptors, nothing opened), and one open port over libserialport.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "drivers/hal/clocks.hpp"
#include "drivers/hal/result.hpp"

namespace nicol::transport {

enum class Parity : std::uint8_t { none, even, odd };
enum class FlowControl : std::uint8_t { none, rts_cts, xon_xoff };
/// What happens to DTR and RTS when a port opens: Arduino-like boards reset on a toggle, some instruments want both on.
enum class ModemLines : std::uint8_t { raised, lowered };

/// 8 data bits, 1 stop bit.
struct SerialSettings {
  int baud = 115'200;
  Parity parity = Parity::none;
  FlowControl flow = FlowControl::none;
  ModemLines lines = ModemLines::raised;
  /// Some controllers (Thorlabs APT) want RTS to stand this long without handshake, a purge, and as long again before
  /// the handshake begins.
  std::chrono::milliseconds settle{0};
};

struct SerialPortInfo {
  std::string port;  // "/dev/ttyUSB0"
  std::uint16_t vendor_id = 0, product_id = 0;
  std::string product, manufacturer, serial;  // of the USB adapter, empty where there is none
  bool accessible = true;                     // this user may read and write it
};
/// Passive: reads what the kernel lists, opens nothing.
std::vector<SerialPortInfo> list_serial_ports();

/// How a port is found again after its name changed: by the adapter's USB identity where it has a serial number, else
/// by the name.
struct SerialAddress {
  std::string port;
  std::uint16_t vendor_id = 0, product_id = 0;
  std::string serial;
};
SerialAddress address_of(const SerialPortInfo& info);
/// not_found where nothing matches.
Result<SerialPortInfo> find_serial_port(const SerialAddress& address);

/// One reader and any number of writers. Closed at the end.
class SerialPort {
 public:
  /// busy (another program holds it), access_denied (with the group or rule that helps), not_found.
  static Result<SerialPort> open(const std::string& port, const SerialSettings& settings);
  SerialPort(SerialPort&&) noexcept;
  SerialPort& operator=(SerialPort&&) noexcept;
  ~SerialPort();

  /// At least one byte, or timeout; disconnected when the adapter is gone (libserialport itself says nothing then:
  /// only a look at the waiting bytes tells). cancelled on stop.
  Result<std::size_t> read(std::span<std::uint8_t> into, Deadline deadline, std::stop_token stop = {});
  Result<void> write(std::span<const std::uint8_t> bytes, Deadline deadline);
  Result<void> set_lines(ModemLines dtr, ModemLines rts);
  Result<void> set_baud(int baud);
  Result<void> discard_input();

 private:
  struct Impl;
  explicit SerialPort(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nicol::transport
