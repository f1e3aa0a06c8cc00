// SPDX-License-Identifier: Apache-2.0
// One emulated ELL14: its motor, its encoder, what it answers. Knows nothing of the line it hangs on.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/hal/random.hpp"
#include "drivers/hal/units.hpp"

namespace nicol::sim {

/// Modules that are wrong on purpose: a driver, or a test of it, has to notice.
enum class Ell14Mutant : std::uint8_t {
  none,
  ignores_moves,   // says where it is, and is not where it was sent
  echoes_command,  // says that it is where it was sent, and has not moved
};

struct Ell14Config {
  char address = '0';
  std::string serial = "11400517";
  int type = 0x0E, year = 2023, firmware = 0x17, hardware = 0x01, travel = 360;
  std::int32_t pulses = 143'360;  // a turn
  double fastest = 430;           // deg/s at 100 %
  double stalls_below = 25;       // percent
  Picoseconds settle = Picoseconds::seconds(0.03);
  Picoseconds gives_up = Picoseconds::seconds(1);  // mechanical timeout
  Angle power_up = Angle::degrees(33);             // where the optic stands before the first homing
  Angle repeatability = Angle::degrees(0.02);
  std::int32_t home_offset = 0;  // counts, in its permanent memory
  bool wraps = false;            // counts its turns anew: its position never leaves 0..one turn
  bool says_busy = true;         // a GS09 at the beginning of each move
  Ell14Mutant mutant = Ell14Mutant::none;
  std::uint64_t seed = 0;
};

class Ell14Module {
 public:
  struct Saying {
    Picoseconds at;
    std::string text;
  };

  explicit Ell14Module(const Ell14Config& config);

  /// A whole command. What it will say about it comes out of take(). `as`: the address it speaks under.
  void execute(std::string_view command, std::string_view data, char as, Picoseconds now);
  void answer_status(std::uint8_t code, char as, Picoseconds now) { say_status(code, as, now); }
  /// What it has said by now.
  std::vector<std::string> take(Picoseconds now);
  Picoseconds next_due() const;
  void power_cycle(Picoseconds now);

  char address() const { return address_; }
  char group() const { return group_; }
  void leave_group() { group_ = 0; }
  const Ell14Config& config() const { return config_; }

  /// Where the optic really stands, turns counted; for a t before the last move began, where it stood then.
  Angle angle(Picoseconds t) const;
  std::int64_t counts(Picoseconds t) const;       // what its encoder says
  std::uint64_t moves() const { return moves_; }  // that it began, homing included
  void stall_next() { stall_next_ = true; }
  void be_busy_until(Picoseconds t) { busy_until_ = t; }
  void set_status(std::uint8_t code) { status_ = code; }  // a complaint that waits to be read
  void press_button(Picoseconds now);                     // somebody turns it by the buttons of its board
  void delay_answers(Picoseconds more) { extra_latency_ = more; }

 private:
  struct Move {
    Picoseconds start, arrive, settled;
    double from = 0, to = 0;  // degrees of the optic
    bool stalled = false, homing = false;
    char as = '0';
    std::int64_t told = 0;  // counts an echoing mutant claims
  };

  void move_to(double degrees, std::int64_t told, bool homing, char as, Picoseconds now);
  void home(std::string_view data, char as, Picoseconds now);
  void set_velocity(std::string_view data, char as, Picoseconds now);
  void set_address(std::string_view data, Picoseconds now);
  void store(std::int32_t& field, std::string_view data, char as, Picoseconds now);
  void finish();
  void say(std::string text, Picoseconds at);
  void say_status(std::uint8_t code, char as, Picoseconds now);
  void say_counts(std::string_view kind, std::int64_t counts, char as, Picoseconds now);
  std::string identity(char as) const;
  bool moving(Picoseconds now) const { return under_way_ && now < move_.settled; }
  double degrees_at(Picoseconds t) const;
  double per_count() const { return 360.0 / config_.pulses; }
  double draw();  // -1..1

  Ell14Config config_;
  char address_, group_ = 0;
  std::int32_t home_offset_, jog_step_ = 0;
  int velocity_ = 100;
  std::uint8_t status_ = 0;
  double zero_;  // degrees of the optic at which its counts are 0
  Move move_;
  bool under_way_ = false, stall_next_ = false;
  std::int64_t claimed_ = 0;  // counts, of an echoing mutant
  std::uint64_t moves_ = 0;
  Picoseconds busy_until_, extra_latency_;
  std::deque<Saying> sayings_;  // by time
  CounterStream noise_;
};

}  // namespace nicol::sim
