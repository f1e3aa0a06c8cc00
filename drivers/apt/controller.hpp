// SPDX-License-Identifier: Apache-2.0
// One controller on its serial port: asks and answers, the 10 Hz reports of its channels, the "server alive" that keeps
// them coming, and coming back after an unplug. The faces of the HAL stand on this.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "drivers/apt/channel.hpp"
#include "drivers/apt/models.hpp"
#include "drivers/hal/device.hpp"
#include "drivers/hal/motion.hpp"
#include "drivers/transport/mailbox.hpp"
#include "drivers/transport/serial_bus.hpp"

namespace nicol::apt {

struct ControllerOptions {
  transport::SerialPortInfo port;
  Family family = Family::rotation_stage;
  const Model* model = nullptr;  // as expected; the controller's own word decides within the family
  std::string serial;            // of the adapter: a flip mirror does not tell its own
  transport::WireLog* log = nullptr;
  std::chrono::milliseconds settle{50};  // of RTS when the port opens
};

/// Thread-safe. Its bus has a thread that reads, it has one that keeps things alive.
class Controller {
 public:
  /// Opens the port, asks who is there and starts the reports.
  static Result<std::unique_ptr<Controller>> open(ControllerOptions options);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  hal::Link link() const noexcept { return ready_ ? hal::Link::connected : hal::Link::disconnected; }
  hal::DeviceInfo info() const;
  const Model& model() const noexcept { return *model_.load(); }

  /// Called after each return of the cable, before link() says connected: settings go back to the device.
  void on_return(std::function<Result<void>()> restore);

  Result<void> send(const Packet& packet);
  /// The reply with this id (and channel, where it has one), asked for once.
  Result<Packet> ask(const Packet& packet, Id reply);
  std::size_t channels() const noexcept { return channels_.size(); }
  /// A fresh report of one channel (0 the first).
  Result<Report> status(std::size_t channel);

  /// not_homed is the caller's to check; busy while the last move runs. Moves are sent once.
  Result<hal::Motion> move(std::size_t channel, Channel::Goal goal, std::int32_t target);
  /// Stops what runs; returns when the command is out.
  Result<void> stop(std::size_t channel, StopKind kind);

  struct Totals {
    bool running = false, fault = false, homed = false;
    std::uint64_t moves = 0;
    double counts_moved = 0;
  };
  Totals totals(std::size_t channel) const;
  /// The last complaint of the controller (0x0080, 0x0081) that no move was blamed for.
  std::optional<FaultReport> last_fault() const;

 private:
  class Move;
  explicit Controller(ControllerOptions options);
  Result<void> start();
  Result<void> introduce();
  void heard(std::span<const std::uint8_t> bytes);
  void take(const Packet& packet);
  void linked(hal::Link link);
  void look_after(const std::stop_token& stop);
  void keep_alive(Channel::Time now);
  void come_back(const std::stop_token& stop);
  void become_ready();
  Error gone() const;
  Result<void> transmit(const Packet& packet);
  std::uint8_t channel_bit(std::size_t channel) const { return static_cast<std::uint8_t>(1u << channel); }

  const ControllerOptions options_;
  std::atomic<const Model*> model_;
  std::atomic<bool> ready_{false};
  mutable std::mutex mutex_;  // guards everything down to restore_
  std::condition_variable_any changed_;
  std::vector<Channel> channels_;
  hal::DeviceInfo info_;
  bool back_ = false;           // the cable is, the controller has not been spoken to
  std::uint8_t read_back_ = 0;  // channels whose move is said to have ended
  int unacknowledged_ = 0;
  Channel::Time last_alive_{}, last_report_{};
  std::optional<FaultReport> last_fault_;
  std::function<Result<void>()> restore_;
  std::mutex move_mutex_;  // one move is begun at a time
  PacketParser parser_;    // the bus's thread alone
  Channel::Time last_bytes_{};
  transport::Mailbox<Packet> mailbox_;
  std::unique_ptr<transport::SerialBus> bus_;  // its callbacks use all of the above
  std::jthread keeper_;
};

}  // namespace nicol::apt
