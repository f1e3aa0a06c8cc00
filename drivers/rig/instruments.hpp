// SPDX-License-Identifier: Apache-2.0
// The small units of a board: shutters, the detectors' enable lines, digital pins.
#pragma once

#include <mutex>

#include "drivers/hal/instruments.hpp"
#include "drivers/rig/face.hpp"

namespace nicol::rig {

class RigShutter final : public Face<hal::Shutter> {
 public:
  static Result<std::unique_ptr<RigShutter>> make(Board& board, std::size_t index);
  ~RigShutter() override { board().leave(*this); }
  bool self_closing() const noexcept override { return self_closing_; }
  Result<void> open() override;
  void close() noexcept override;
  Result<hal::ShutterState> state() override;

 private:
  RigShutter(Board& board, std::size_t index, const fw::Description& about);
  Result<void> drive(fw::Gate gate);
  const std::size_t index_;
  const bool self_closing_;
};

struct DetectorOptions {
  hal::DetectorInfo info;  // what the board cannot know of the detector on its line; rate_limit 0: the board's widest
};

class RigDetector final : public Face<hal::Detector> {
 public:
  static Result<std::unique_ptr<RigDetector>> make(Board& board, std::size_t index, const DetectorOptions& options);
  ~RigDetector() override;
  hal::DetectorInfo detector() const override { return info_; }
  Result<void> enable() override;
  void disable() noexcept override;
  bool enabled() const noexcept override;
  Result<void> set_bias(Volts bias) override;
  /// not_supported where the board has no thermistor of that number.
  Result<Celsius> temperature() override;
  /// The mean since the last call, over at least 20 ms. over_rate while the board has that latched.
  Result<Hertz> rate() override;
  void safe_state() noexcept override;

  Result<void> session_began() override;
  void session_lost() noexcept override { enabled_ = false; }

 private:
  RigDetector(Board& board, std::size_t index, const hal::DetectorInfo& info);
  fw::Value rate_limit() const;
  std::string limiting() const;
  Result<void> drive(fw::Switch to);
  Result<std::uint64_t> events();
  const std::size_t index_;
  const hal::DetectorInfo info_;
  std::atomic<bool> enabled_{false};
  std::atomic<std::int64_t> bias_mv_;  // as last taken by the board; of nobody: the board's own
  std::mutex rate_mutex_;              // guards both
  std::uint64_t counted_ = 0;
  std::chrono::steady_clock::time_point counted_at_{};
};

class RigDigitalIo final : public Face<hal::DigitalIo> {
 public:
  static Result<std::unique_ptr<RigDigitalIo>> make(Board& board);
  ~RigDigitalIo() override { board().leave(*this); }
  std::size_t inputs() const noexcept override { return inputs_; }
  std::size_t outputs() const noexcept override { return outputs_; }
  Result<hal::Level> read(std::size_t input) override;
  Result<void> write(std::size_t output, hal::Level level) override;
  void safe_state() noexcept override;

 private:
  RigDigitalIo(Board& board, const fw::Description& about)
      : Face(board, "io"), inputs_(about.digital_inputs), outputs_(about.digital_outputs) {}
  const std::size_t inputs_, outputs_;
};

}  // namespace nicol::rig
