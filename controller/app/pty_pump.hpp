// SPDX-License-Identifier: Apache-2.0
// An emulator behind a pseudo-terminal, for a user's own tools: whatever opens the path talks to the device.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "drivers/hal/result.hpp"
#include "sim/emulators/emulator.hpp"

namespace nicol::app {

class PtyPump {
 public:
  /// `time_scale`: emulated seconds a second. The emulator outlives the pump.
  static Result<PtyPump> open(sim::SerialEmulator& emulator, double time_scale);
  PtyPump(PtyPump&& o) noexcept;
  PtyPump& operator=(PtyPump&&) = delete;
  ~PtyPump();

  const std::string& path() const { return path_; }
  /// Carries bytes for at most `patience`; the error is `io`.
  Result<void> run(std::chrono::milliseconds patience);

 private:
  PtyPump(sim::SerialEmulator& emulator, double time_scale, int master, int slave, std::string path);
  Picoseconds now() const;
  Result<void> write_out();

  sim::SerialEmulator* emulator_;
  double time_scale_;
  int master_, slave_;  // the slave stays open, so that a tool may come and go
  std::string path_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::vector<std::uint8_t> out_;
};

}  // namespace nicol::app
