// SPDX-License-Identifier: Apache-2.0
// An emulated one-axis motion controller with a rotation stage: CONEX-CC, or SMC100 at its own baud rate.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "drivers/hal/units.hpp"
#include "sim/emulators/emulator.hpp"

namespace nicol::sim {

enum class NewportMutant : std::uint8_t {
  none,
  ignores_moves,   // says that it is ready where it was
  echoes_command,  // says that it is where it was sent, and has not moved
};

struct NewportConfig {
  int axis = 1;
  std::string model = "CONEX-CC", adapter_serial = "A6XWNB1D";
  int baud = 921'600;
  double negative_limit = -170, positive_limit = 170;  // degrees
  double velocity = 20, increment = 0.0005;            // deg/s, deg
  double power_up = 25;                                // where the stage stands before homing
  double homing_seconds = 1;
  bool stray_zeros = false;
  NewportMutant mutant = NewportMutant::none;
};

class NewportController final : public SerialEmulator {
 public:
  explicit NewportController(NewportConfig config = {});

  SerialIdentity identity() const override;
  void receive(std::span<const std::uint8_t> bytes, Picoseconds now) override;
  void collect(std::vector<std::uint8_t>& out, Picoseconds now) override;
  Picoseconds next_due() const override;
  void power_cycle() override;

  /// Where the optic really stands.
  Angle angle(Picoseconds t) const { return Angle::degrees(optic_at(t)); }
  std::uint64_t moves() const { return moves_; }  // that it began, homing included
  void stall_next() { stall_next_ = true; }
  void delay_answers(Picoseconds more) { extra_latency_ = more; }

 private:
  struct Saying {
    Picoseconds at;
    std::string text;
  };
  struct Move {
    Picoseconds start, end;
    double from = 0, to = 0;
  };

  void obey(std::string_view line, Picoseconds now);
  void execute(std::string_view command, std::string_view value, Picoseconds now);
  bool answer(std::string_view command, std::string_view value, Picoseconds now);
  void home(Picoseconds now);
  void move_to(double goal, Picoseconds now);
  void start(double goal, double seconds, Picoseconds now);
  void stop(Picoseconds now);
  void set_velocity(double velocity);
  void settle(Picoseconds now);
  void say(std::string text, Picoseconds now);
  double optic_at(Picoseconds t) const;
  double told_at(Picoseconds t) const;
  bool ready() const { return state_ >= 0x32 && state_ <= 0x38; }
  bool under_way() const { return state_ == 0x1E || state_ == 0x28; }

  const NewportConfig config_;
  std::string line_;
  std::deque<Saying> sayings_;
  int state_ = 0x0A, errors_ = 0;
  char error_ = '@';
  double velocity_, claimed_ = 0, zero_;
  Move move_;
  bool stall_next_ = false, stalls_ = false;
  std::uint64_t moves_ = 0;
  Picoseconds extra_latency_, now_;
};

}  // namespace nicol::sim
