// SPDX-License-Identifier: Apache-2.0
// Text commands to an instrument, whether they travel by USBTMC or by a serial line. One question at a time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "drivers/transport/serial_bus.hpp"
#include "drivers/transport/usb.hpp"

namespace nicol::transport {

/// Thread-safe; each call bounded by its deadline, sent once.
class ScpiLink {
 public:
  virtual ~ScpiLink() = default;
  virtual Result<void> command(std::string_view text, Deadline deadline) = 0;
  /// The reply without its terminator.
  virtual Result<std::string> ask(std::string_view text, Deadline deadline) = 0;
  virtual hal::Link link() const noexcept = 0;
  virtual std::string port() const = 0;
};

/// What a serial instrument's framing needs to be told.
struct ScpiSerialOptions {
  std::string terminator = "\r\n", reply_terminator = "\n";
  bool echoes = false;       // the instrument sends the command back first
  std::string acknowledge;   // each command is answered so ("ok"), empty: not at all
  std::string error_prefix;  // an answer that starts so is an error ("?")
  std::chrono::milliseconds between_commands{0};
};
using OnLink = std::function<void(hal::Link)>;
Result<std::unique_ptr<ScpiLink>> open_scpi_serial(SerialAddress where, const SerialSettings& settings,
                                                   const ScpiSerialOptions& options, WireLog* log, OnLink on_link);

struct UsbTmcOptions {
  UsbMatch match;
  bool remote_enable = false;  // REN_CONTROL first (Thorlabs)
};
/// USBTMC 1.0 and USB488: Bulk-OUT/IN messages with bTag, abort and clear after a timeout.
Result<std::unique_ptr<ScpiLink>> open_usbtmc(UsbContext& context, const UsbTmcOptions& options, WireLog* log,
                                              OnLink on_link);

}  // namespace nicol::transport
