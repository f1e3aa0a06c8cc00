// SPDX-License-Identifier: Apache-2.0
// The far end of an S-Fifteen SPDC driver: its text, a laser whose current is what was set, and two bodies that warm
// and cool in their own time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/emulators/emulator.hpp"

namespace nicol::sim {

/// Wrong devices, that a driver's tests must notice.
enum class SpdcMutant : std::uint8_t {
  none,
  ignores_off,   // the laser, once on, stays so
  stays_cold,    // the loops do nothing
  ignores_limit  // LLIMIT is taken and not kept
};

struct SpdcOptions {
  std::string serial = "SPDCSDR-07";
  double ambient = 24;  // C
  SpdcMutant mutant = SpdcMutant::none;
};

class SpdcEmulator final : public SerialEmulator {
 public:
  explicit SpdcEmulator(SpdcOptions options);

  SerialIdentity identity() const override;
  void receive(std::span<const std::uint8_t> bytes, Picoseconds now) override;
  void collect(std::vector<std::uint8_t>& out, Picoseconds now) override;
  void power_cycle() override;

  /// From outside: whether photons come out.
  bool shines() const { return on_ && (power_ & 2U) != 0 && current_ > 0; }
  double current() const { return current_; }              // mA
  double largest_rise() const { return largest_rise_; }    // mA, of one step while the laser was on
  std::uint64_t times_on() const { return times_on_; }     // ON that found the laser off
  double highest_at_on() const { return highest_at_on_; }  // mA, when ON came
  double crystal_temperature() const { return crystal_.temperature; }
  unsigned power() const { return power_; }
  void be_silent(bool silent) { silent_ = silent; }

 private:
  /// A body with a sensor, and a loop that heats or cools it.
  struct Body {
    std::string prefix;  // "H", "P"
    double lowest = 20, highest = 100, highest_limit = 10;
    double temperature = 24, set_point = 25, target = 25, rate = 0, voltage = 0, limit = 5;
    bool loop = false;
    double p = 1, i = 0.1, d = 0;
  };

  void execute(std::string_view command);
  bool laser_word(std::string_view word, std::optional<double> value, bool asks);
  bool body_word(Body& body, std::string_view word, std::optional<double> value, bool asks);
  void set_current(double value);
  void say(const std::string& line);
  void answer(double value);
  void keep(double& setting, double value, double low, double high);
  void pass(Picoseconds now);
  void warm(Body& body, double seconds);
  static Body crystal();
  static Body laser_body();

  SpdcOptions options_;
  std::string line_, said_;
  Picoseconds now_;
  Body crystal_ = crystal(), laser_ = laser_body();
  double current_ = 0, limit_ = 60, largest_rise_ = 0, highest_at_on_ = 0;
  unsigned power_ = 0;
  bool on_ = false, silent_ = false;
  std::uint64_t times_on_ = 0;
};

}  // namespace nicol::sim
