// SPDX-License-Identifier: Apache-2.0
// A serial line with one thread of its own: it reads, notices the unplug, finds the adapter again and opens it anew.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "drivers/hal/device.hpp"
#include "drivers/transport/serial_port.hpp"
#include "drivers/transport/wire_log.hpp"

namespace nicol::transport {

class SerialBus {
 public:
  struct Options {
    SerialAddress where;
    SerialSettings settings;
    /// Both run on the bus's thread and must not wait for a reply. on_link tells of each change after open().
    std::function<void(std::span<const std::uint8_t>)> on_bytes;
    std::function<void(hal::Link)> on_link;
    WireLog* log = nullptr;
    bool private_input = false;                 // tags, bases or bits pass: a rough length is logged, not the bytes
    std::chrono::milliseconds look_every{250};  // for the adapter, while it is gone
  };
  /// Opens the port and starts the thread.
  static Result<std::unique_ptr<SerialBus>> open(Options options);
  ~SerialBus();
  SerialBus(const SerialBus&) = delete;
  SerialBus& operator=(const SerialBus&) = delete;

  /// One message, never interleaved with another's bytes and never sent twice. timeout, disconnected.
  Result<void> write(std::span<const std::uint8_t> message, Deadline deadline);
  Result<void> set_lines(ModemLines dtr, ModemLines rts);
  hal::Link link() const noexcept;
  SerialPortInfo info() const;  // as found last

 private:
  struct Impl;
  explicit SerialBus(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nicol::transport
