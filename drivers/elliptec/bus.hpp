// SPDX-License-Identifier: Apache-2.0
// One line with up to sixteen mounts: one question at a time, while any number of moves are under way.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "drivers/elliptec/wire.hpp"
#include "drivers/transport/gate.hpp"
#include "drivers/transport/hub.hpp"
#include "drivers/transport/mailbox.hpp"
#include "drivers/transport/serial_bus.hpp"

namespace nicol::elliptec {

struct Timing {
  std::chrono::milliseconds reply{500};
  /// A mount that got half a request drops it after 2 s; the next request must not become its other half.
  std::chrono::milliseconds rest_after_silence{2200};
  /// What a move may take beyond twice its way at the set velocity, before the mount is asked what became of it.
  std::chrono::milliseconds move_margin{3000};
  std::chrono::milliseconds probe{150};  // an address that has not answered by then is free
};

/// Thread-safe.
class Bus {
 public:
  using Expectation = transport::Mailbox<Reply>::Expectation;
  struct Wanted {
    char address = 0;
    std::string_view kind;
  };

  /// Opens the port: 9600 8N1, no flow control.
  static Result<std::unique_ptr<Bus>> open(const transport::SerialPortInfo& where, const Timing& timing,
                                           transport::WireLog* log);
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  /// The wanted reply, or a GS that says what is wrong in its place. timeout, disconnected.
  Result<Reply> ask(const std::string& request, Wanted wanted);
  /// nullopt where nothing answers at this address in time: Timing::probe, or Timing::reply where a mount is expected.
  Result<std::optional<Identity>> identify(char address, std::chrono::milliseconds patience, Deadline deadline);
  /// Sends a move; its end is a PO, or a GS that says neither ok nor busy.
  Result<void> start_move(const std::string& request, Deadline deadline);
  Expectation expect_end_of_move(char address);

  hal::Link link() const noexcept { return serial_->link(); }
  /// Grows with each pulled cable: what was known of a mount before is void.
  std::uint64_t generation() const noexcept { return generation_.load(); }
  transport::SerialPortInfo info() const { return serial_->info(); }
  const Timing& timing() const noexcept { return timing_; }

  std::atomic<int> mounts = 0;  // that were made on it and live

 private:
  explicit Bus(const Timing& timing) : timing_(timing) {}
  Result<Reply> exchange(const std::string& request, Wanted wanted, Deadline deadline);
  Result<transport::Gate::Pass> take_turn(Deadline deadline);
  void link_changed(hal::Link link);

  const Timing timing_;
  std::atomic<std::uint64_t> generation_ = 0;
  transport::Mailbox<Reply> mailbox_;
  ReplyReader reader_;    // the line's own thread
  transport::Gate turn_;  // whose question it is; guards rest_until_
  std::chrono::steady_clock::time_point rest_until_;
  std::unique_ptr<transport::SerialBus> serial_;  // last: its thread uses all of the above
};

/// The lines this program has open, by adapter serial number (or port, where the adapter has none).
class Buses {
 public:
  Buses(const Timing& timing, transport::WireLog* log) : timing_(timing), log_(log) {}
  /// Held while devices are looked for or made, so that no line is closed under them.
  std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }
  Result<Bus*> at(const transport::SerialPortInfo& where);
  void close_unused();

 private:
  const Timing timing_;
  transport::WireLog* log_;
  std::mutex mutex_;  // guards open_
  std::map<std::string, std::unique_ptr<Bus>> open_;
};

}  // namespace nicol::elliptec
