// SPDX-License-Identifier: Apache-2.0
// One controller on its line: a question and its reply, a command and the error it left.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "drivers/newport/wire.hpp"
#include "drivers/transport/mailbox.hpp"
#include "drivers/transport/serial_bus.hpp"

namespace nicol::newport {

struct Timing {
  std::chrono::milliseconds reply{500};
  std::chrono::milliseconds rest_after_silence{500};  // so that a late reply is not taken for the next one
  std::chrono::milliseconds look{10};                 // between two looks at a move
  std::chrono::milliseconds move_margin{5000};        // beyond twice the way at the set velocity
  std::chrono::milliseconds homing{120'000};
};

/// Thread-safe.
class Controller {
 public:
  struct Options {
    transport::SerialPortInfo where;
    int baud = 921'600;
    transport::FlowControl flow = transport::FlowControl::none;
    int axis = 1;
    Timing timing;
    transport::WireLog* log = nullptr;
  };
  static Result<std::unique_ptr<Controller>> open(const Options& options);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  /// The reply that carries these two letters. timeout, disconnected.
  Result<Reply> ask(const std::string& request, const std::string& letters);
  Result<double> number(const std::string& request, const std::string& letters);
  /// Sent once; what TE says about it then.
  Result<void> command(const std::string& request);
  /// Sent, nothing asked: the way to stop in a hurry.
  void shout(const std::string& request, std::chrono::milliseconds patience) noexcept;

  hal::Link link() const noexcept { return serial_->link(); }
  std::uint64_t generation() const noexcept { return generation_.load(); }  // grows with each pulled cable
  transport::SerialPortInfo info() const { return serial_->info(); }
  int axis() const noexcept { return options_.axis; }
  const Timing& timing() const noexcept { return options_.timing; }

 private:
  explicit Controller(Options options) : options_(std::move(options)) {}
  Result<Reply> exchange(const std::string& request, const std::string& letters);
  Result<void> write(const std::string& request, Deadline deadline);

  const Options options_;
  std::atomic<std::uint64_t> generation_ = 0;
  transport::Mailbox<Reply> mailbox_;
  LineReader reader_;  // the line's own thread
  std::mutex turn_;    // whose question it is; guards rest_until_
  std::chrono::steady_clock::time_point rest_until_;
  std::unique_ptr<transport::SerialBus> serial_;
};

}  // namespace nicol::newport
