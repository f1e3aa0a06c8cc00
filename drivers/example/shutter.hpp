// SPDX-License-Identifier: Apache-2.0
// The HAL face of an Example Shutter: a blade that a magnet holds open, and a spring closes.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "drivers/example/wire.hpp"
#include "drivers/hal/instruments.hpp"
#include "drivers/transport/mailbox.hpp"
#include "drivers/transport/scpi_lines.hpp"
#include "drivers/transport/serial_bus.hpp"

namespace nicol::example {

class Shutter final : public hal::Shutter {
 public:
  /// Closes it, too. not_found when the port holds no such shutter; whatever opening the port says.
  static Result<std::unique_ptr<Shutter>> open(transport::SerialAddress where, transport::WireLog* log);
  ~Shutter() override;

  hal::DeviceInfo info() const override;
  hal::Link link() const noexcept override { return bus_->link(); }
  Result<std::vector<hal::SelfTestItem>> self_test(Deadline deadline) override;
  void safe_state() noexcept override { close(); }

  /// The magnet takes its power from the cable.
  bool self_closing() const noexcept override { return true; }
  Result<void> open() override;
  void close() noexcept override;
  /// hardware_fault with the device's own number.
  Result<hal::ShutterState> state() override;

 private:
  Shutter() = default;
  Result<void> send(std::string_view command);
  Result<std::string> ask(std::string_view question, std::function<bool(const std::string&)> wanted, Deadline deadline);
  Error error(Code code, std::string message, int number = 0) const;

  Identity identity_;                    // set before open() returns
  transport::LineSplitter lines_{"\r"};  // the bus's thread
  transport::Mailbox<std::string> replies_;
  std::mutex turn_;  // one question at a time; guards rest_until_. Commands do not wait for it.
  std::chrono::steady_clock::time_point rest_until_;
  std::unique_ptr<transport::SerialBus> bus_;  // last: its thread uses the above
};

}  // namespace nicol::example
