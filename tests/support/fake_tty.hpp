// SPDX-License-Identifier: Apache-2.0
// Serial adapters that unmodified libserialport lists, opens and drives: a pseudo-terminal behind the names and modem
// lines of a USB adapter. Link it into the executable (default symbol visibility, ENABLE_EXPORTS).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "sim/emulators/emulator.hpp"
#include "sim/emulators/fault_plan.hpp"

namespace nicol::test {

/// One adapter "/dev/<name>" with an emulator at its far end, run by a thread of its own.
class FakeTty {
 public:
  struct Options {
    std::string name;        // "ttyRIG0": tty and anything
    double time_scale = 1;   // emulator seconds a real second
    bool line_rate = false;  // bytes take as long as their baud rate says
    Picoseconds latency;     // one way, emulator time
    sim::FaultPlan faults;
    bool denied = false;  // open() says EACCES: the udev rule is missing
  };
  /// The emulator outlives this. std::runtime_error when the system gives no pseudo-terminal.
  FakeTty(sim::SerialEmulator& emulator, Options options);
  ~FakeTty();
  FakeTty(const FakeTty&) = delete;
  FakeTty& operator=(const FakeTty&) = delete;

  std::string port() const;  // "/dev/ttyRIG0"
  void unplug();
  /// Back under another name, as the kernel does it ("" keeps the name); the emulator is power-cycled.
  void replug(const std::string& new_name = "");
  /// The new plan counts from the bytes that come now; what is under way is lost.
  void set_faults(sim::FaultPlan plan);
  bool plugged() const;
  unsigned modem_lines() const;  // TIOCM_* as the host set them
  int baud() const;              // as the host set it
  std::uint64_t opens() const;
  std::uint64_t breaks() const;  // conditions begun
  std::uint64_t bytes_to_device() const;
  std::uint64_t bytes_from_device() const;
  /// Emulator time.
  Picoseconds now() const;
  /// f() while the emulator stands still: the way to look into it or turn its knobs. f may not unplug or replug.
  void locked(const std::function<void()>& f);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Fails loudly (std::logic_error) when the executable was linked so that libserialport does not see the fakes.
void check_tty_interposition();

}  // namespace nicol::test
