// SPDX-License-Identifier: Apache-2.0
// A motor of the board as a rotation stage. A move is one MOVE, sent once; it is done when the board says that it
// stands and its position, asked for afterwards, is the wanted one.
#pragma once

#include <memory>
#include <mutex>

#include "drivers/hal/motion.hpp"
#include "drivers/rig/face.hpp"

namespace nicol::rig {

struct AxisOptions {
  Angle tolerance = Angle::degrees(0.05);
};

class RigAxis final : public Face<hal::RotationStage> {
 public:
  static Result<std::unique_ptr<RigAxis>> make(Board& board, std::size_t index, const AxisOptions& options);
  ~RigAxis() override { board().leave(*this); }

  hal::AxisInfo axis() const override;
  Result<hal::AxisStatus> status() override;
  Result<hal::Motion> home(hal::HomeDirection direction) override;
  Result<hal::Motion> move_absolute(Angle position) override;
  Result<hal::Motion> move_relative(Angle by) override;
  Result<void> stop(hal::StopMode mode) override;
  Result<void> set_velocity(Angle per_second) override;
  /// Stops where it is.
  void safe_state() noexcept override;

 private:
  class Move;
  enum class Travel : std::uint8_t { move, home };
  RigAxis(Board& board, std::size_t index, const AxisOptions& options, const fw::AxisInfo& about);
  Result<Reply> ask(fw::Type type, std::chrono::nanoseconds within);
  Result<fw::AxisStatus> ask_status(std::chrono::nanoseconds within);
  Result<void> may_go(Angle goal) const;
  Result<hal::Motion> go(fw::MoveKind kind, std::int64_t counts, std::int64_t from, std::int64_t goal);
  std::int64_t counts_of(Angle angle) const;
  Angle angle_of(std::int64_t counts) const;
  void count(Angle travelled);

  const std::size_t index_;
  const AxisOptions options_;
  const fw::AxisInfo about_;
  std::atomic<std::uint64_t> stops_{0};
  std::atomic<bool> stalled_{false};  // a move ended elsewhere; until it is homed again
  std::mutex count_mutex_;            // guards both
  std::uint64_t moves_ = 0;
  double degrees_ = 0;
};

}  // namespace nicol::rig
