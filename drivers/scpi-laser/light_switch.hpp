// SPDX-License-Identifier: Apache-2.0
// The one output that makes light: two steps to switch it on, one to switch it off from any thread, and never on again
// by itself. What is told about it is what the instrument answered.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include "drivers/hal/photon_source.hpp"
#include "drivers/scpi/instrument.hpp"

namespace nicol::scpi_laser {

/// How the output is spoken to. Called with no lock of the caller's held; never two at a time.
struct Output {
  std::function<Result<void>()> on;
  std::function<Result<void>()> off;         // goes before everything else on the line
  std::function<Result<bool>()> is_on;       // the same
  std::function<Result<bool>()> is_blocked;  // interlock, key; empty: there is none
  std::function<Result<bool>()> looks_dark;  // a measurement that fits an output that is off; empty: none
  std::function<Result<void>()> restore;     // settings after a replug, with the light off
  std::function<hal::Link()> link;
  std::function<std::uint64_t()> generation;  // of the link, grows with each pulled cable
};

/// A thread of its own makes dark, so that nobody who asks for it waits for a silent instrument. Thread-safe.
class LightSwitch {
 public:
  /// Counts the times that darkness was asked for: what began before is cancelled.
  using Epoch = std::uint64_t;

  explicit LightSwitch(Output output);
  ~LightSwitch();
  LightSwitch(const LightSwitch&) = delete;
  LightSwitch& operator=(const LightSwitch&) = delete;

  /// Dark at first, said by the instrument; else an error.
  Result<void> start();
  /// After a replug: dark and restored before anything else. timeout when that does not happen within a second.
  Result<void> ready();
  void link_changed(hal::Link now);  // transport's thread

  Epoch epoch() const;
  /// cancelled when darkness was asked for, or the cable pulled, since `epoch`.
  Result<void> still(Epoch epoch) const;
  Result<void> arm(Epoch epoch);
  /// unsafe_state when not armed.
  Result<void> turn_on(Epoch epoch);
  bool armed() const;
  bool lit() const;  // switched on by us, and not seen to be off since

  /// Disarmed at once; switched off as soon as the exchange under way has ended, tried again until the instrument says
  /// that it is off. Returns after `patience` at the latest, true when it said so.
  bool turn_off(std::chrono::milliseconds patience) noexcept;
  Result<hal::EmissionState> emission();
  void set_level(hal::LightLevel level);
  hal::LightLevel level() const;
  hal::LightLevel reported_level() const noexcept;  // off when the instrument said last that its output is off

 private:
  enum class Phase : std::uint8_t { off, armed, lit, tripped };
  struct Seen {
    bool on = false, dark = true, blocked = false;
  };

  void work(const std::stop_token& stop);
  bool go_dark();
  void ask_for_darkness();  // mutex_ is held
  Result<bool> ask_whether_on();
  Result<Seen> look();
  hal::EmissionState judge(const Seen& seen);

  const Output output_;
  std::mutex exchange_;       // one sequence of questions about the output at a time; before mutex_
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable_any changed_;
  Phase phase_ = Phase::off;
  hal::LightLevel level_ = hal::LightLevel::quantum;
  bool reported_on_ = false, known_dark_ = false;
  Epoch epoch_ = 0;
  std::uint64_t wanted_ = 0, done_ = 0;  // darkness asked for, and dealt with
  std::uint64_t fresh_generation_ = ~std::uint64_t{0};
  bool started_ = false;
  std::jthread worker_;  // last: uses the above
};

}  // namespace nicol::scpi_laser
