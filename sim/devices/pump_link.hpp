// SPDX-License-Identifier: Apache-2.0
// A pair source at a third place lights Alice through a socket that only the simulator knows: for each stretch of time
// she asks, and it answers how brightly its crystal shines. Her process then draws the pairs, so that the same seed
// gives the same tags wherever the source stands.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "drivers/hal/clocks.hpp"
#include "drivers/hal/result.hpp"
#include "sim/devices/light_link.hpp"

namespace nicol::sim {

/// Alice's end. Not thread-safe.
class PumpReceiver {
 public:
  explicit PumpReceiver(std::filesystem::path path) : path_(std::move(path)) {}
  /// Pairs made a second at her time t. Nothing while no source was ever there and the deadline passes; 0 when it went
  /// away, until it comes back.
  std::optional<double> pairs_per_second(Picoseconds t, Deadline deadline, const std::atomic<bool>& wanted);

 private:
  enum class Answer : std::uint8_t { came, late, gone };
  bool connect();
  Answer answer(double& pairs, Deadline deadline, const std::atomic<bool>& wanted);
  const std::filesystem::path path_;
  Socket socket_;
  bool ever_ = false, asked_ = false;
};

/// The source's end: one receiver at a time, the newest.
class PumpSender {
 public:
  /// Pairs a second at the receiver's time.
  using Shine = std::function<double(Picoseconds)>;
  static Result<std::unique_ptr<PumpSender>> listen(const std::filesystem::path& path);
  ~PumpSender();
  /// Answers what is asked until the deadline; returns how many questions came.
  std::uint64_t serve(const Shine& shine, Deadline deadline);

 private:
  PumpSender(std::filesystem::path path, Socket listener) : path_(std::move(path)), listener_(std::move(listener)) {}
  bool answer(const Shine& shine);
  const std::filesystem::path path_;
  Socket listener_, receiver_;
};

}  // namespace nicol::sim
