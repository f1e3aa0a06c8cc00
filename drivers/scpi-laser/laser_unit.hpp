// SPDX-License-Identifier: Apache-2.0
// One laser driver with its cooler, as a table describes it: currents, temperatures, and the way to light. Two HAL
// faces stand on it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "drivers/hal/units.hpp"
#include "drivers/scpi-laser/laser_table.hpp"
#include "drivers/scpi-laser/light_switch.hpp"

namespace nicol::scpi_laser {

struct Timing {
  scpi::Timing exchange;
  std::chrono::milliseconds look{20};         // between two looks at a temperature
  std::chrono::milliseconds settle{120'000};  // at most
  std::chrono::milliseconds hold{1000};       // within the tolerance
  std::chrono::milliseconds ramp_step{50};
  double haste = 1;  // how much faster than the clock the instrument lives (an emulated one)
};

/// Thread-safe. No call waits for a silent instrument longer than its exchanges may take.
class LaserUnit {
 public:
  /// Switches the laser off. `limit`: lowers or raises the instrument's own current limit.
  static Result<std::unique_ptr<LaserUnit>> open(const scpi::Instrument::Connect& connect, const LaserTable& table,
                                                 std::optional<Amperes> limit, const Timing& timing);
  ~LaserUnit();
  LaserUnit(const LaserUnit&) = delete;
  LaserUnit& operator=(const LaserUnit&) = delete;

  const LaserTable& table() const noexcept { return table_; }
  scpi::Instrument& instrument() noexcept { return *instrument_; }
  const scpi::Instrument& instrument() const noexcept { return *instrument_; }
  LightSwitch& light() noexcept { return light_; }
  const LightSwitch& light() const noexcept { return light_; }
  Amperes known_limit() const noexcept { return limit_; }

  Result<void> set_current(Amperes current);  // out_of_range beyond the limit
  Result<Amperes> current();                  // as set
  Result<Amperes> measured_current();
  Result<Watts> measured_power();
  Result<Amperes> current_limit();
  Result<void> ramp(Amperes to, Amperes per_second, Deadline deadline);

  Result<void> set_temperature(Celsius temperature);
  Result<Celsius> set_point();
  Result<Celsius> temperature();  // measured
  Result<bool> cooler_on();
  Result<void> set_cooler_on();
  Result<void> set_cooler_off();  // unsafe_state while there may be light
  Result<bool> settled();

  /// The protection that forbids light, nullptr when none does.
  Result<const Protection*> tripped();
  /// The table's steps. interlock, unsafe_state; busy while another thread is at it; cancelled when made dark
  /// meanwhile.
  Result<void> arm();
  Result<void> enable(Amperes per_second);

 private:
  LaserUnit(const LaserTable& table, const Timing& timing, std::unique_ptr<scpi::Instrument> instrument);
  Output output();
  Result<void> read_settings(std::optional<Amperes> limit);
  Result<void> restore();
  Result<void> write_limit();
  Result<void> check_current(Amperes current) const;
  Result<void> write_current(Amperes current);
  Result<void> walk(Amperes to, Amperes per_second, Deadline deadline, LightSwitch::Epoch epoch);
  Result<void> perform(Step step, LightSwitch::Epoch epoch, Amperes per_second);
  Result<void> wait_until_settled(LightSwitch::Epoch epoch);
  Error not_settled();
  Result<void> wait(std::chrono::milliseconds time, LightSwitch::Epoch epoch);
  std::chrono::nanoseconds hastened(std::chrono::milliseconds time) const;
  Error error(Code code, std::string message) const;
  Amperes wanted_current() const;

  const LaserTable& table_;
  const Timing timing_;
  const std::unique_ptr<scpi::Instrument> instrument_;
  Amperes limit_;
  std::mutex way_to_light_;          // one at a time: arm, enable, ramp
  mutable std::mutex wanted_mutex_;  // guards the two below
  Amperes wanted_current_;
  Celsius wanted_temperature_;
  LightSwitch light_;  // last: its thread uses the above
};

}  // namespace nicol::scpi_laser
