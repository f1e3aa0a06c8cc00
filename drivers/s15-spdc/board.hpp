// SPDX-License-Identifier: Apache-2.0
// One SPDC driver board: settings that are written once and read back, its laser's way to light, its two temperature
// loops. Three HAL faces stand on it.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "drivers/s15-spdc/wire.hpp"
#include "drivers/scpi-laser/light_switch.hpp"
#include "drivers/transport/scpi.hpp"

namespace nicol::s15_spdc {

struct Timing {
  std::chrono::milliseconds reply{300};
  std::chrono::milliseconds quiet{50};            // after an answer that fits no question
  std::chrono::microseconds milliampere{50'000};  // the fastest the laser's current may rise or fall by one
};

/// Thread-safe, every call bounded.
class Board {
 public:
  using LightSwitch = scpi_laser::LightSwitch;

  /// Switches the laser off. `limit` in mA: sets the board's own current limit. not_found when it is no SPDC driver.
  static Result<std::unique_ptr<Board>> open(const transport::SerialPortInfo& where, std::optional<double> limit,
                                             const Timing& timing, transport::WireLog* log);
  ~Board();
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  const std::string& serial() const noexcept { return serial_; }
  const std::string& identity() const noexcept { return identity_; }
  std::string port() const { return line_->port(); }
  hal::Link link() const noexcept { return line_->link(); }
  LightSwitch& light() noexcept { return *light_; }
  const LightSwitch& light() const noexcept { return *light_; }

  Result<std::string> ask(std::string_view question);
  Result<double> number(std::string_view word);
  /// Sent once, then read back; refused with what the board says now. Kept for the next time it is plugged in.
  Result<void> set(std::string_view word, double value);

  double known_limit() const noexcept { return limit_; }  // mA
  Result<double> current();                               // mA: the laser's while lit, else what enabling will go to
  Result<void> ramp(double to, double per_second, Deadline deadline);
  /// interlock is none. unsafe_state while it emits; busy while another thread is at it.
  Result<void> arm();
  /// Blocks while the current rises: 50 ms a milliampere.
  Result<void> enable();

  Result<bool> loop_on(const Loop& loop);
  Result<void> start_loop(const Loop& loop);
  Result<void> stop_loop(const Loop& loop, const Loop& other);

  Error error(Code code, std::string message) const;

 private:
  explicit Board(const Timing& timing) : timing_(timing) {}
  scpi_laser::Output output();
  Result<void> introduce();
  Result<void> read_settings(std::optional<double> limit);
  Result<void> restore();
  Result<void> say(std::string_view text);
  Result<void> write(std::string_view word, double value);
  Result<void> change_power(unsigned set, unsigned clear);
  Result<void> laser_off();
  Result<bool> laser_is_on();
  Result<void> walk(double to, double per_second, Deadline deadline, LightSwitch::Epoch epoch);
  Result<void> step_to(double current, LightSwitch::Epoch epoch);

  const Timing timing_;
  std::string serial_, identity_;  // set before open() returns
  double limit_ = 0;
  std::atomic<std::uint64_t> generation_ = 0;

  std::mutex way_to_light_;          // one at a time; taken first
  std::mutex current_mutex_;         // what is written to LCURRENT in the dark is zero
  std::mutex power_mutex_;           // POWER is read, changed and written
  mutable std::mutex wanted_mutex_;  // guards wanted_ and working_current_
  std::map<std::string, double, std::less<>> wanted_;
  double working_current_ = 0;

  std::mutex listen_mutex_;  // guards listening_
  bool listening_ = true;    // the switch is told of the cable
  std::unique_ptr<LightSwitch> light_;
  std::unique_ptr<transport::ScpiLink> line_;
};

}  // namespace nicol::s15_spdc
