// SPDX-License-Identifier: Apache-2.0
// One ELL14 or ELL14K as a rotation stage: angles in, "arrived and read back" out.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "drivers/elliptec/bus.hpp"
#include "drivers/hal/motion.hpp"

namespace nicol::elliptec {

/// Thread-safe; no call but wait() takes longer than a few lost replies. A mount needs homing after each power-up or
/// unplug. It cannot stop a move: `st` ends only jogging.
class Mount final : public hal::RotationStage {
 public:
  /// Reads what the mount holds (velocity, home offset). `bus` outlives the mount.
  static Result<std::unique_ptr<Mount>> make(Bus& bus, char address, const Identity& identity);
  ~Mount() override;

  hal::DeviceInfo info() const override;
  hal::Link link() const noexcept override { return bus_->link(); }
  std::span<const hal::ArgInfo> properties() const override;
  /// While the mount moves: the value known last.
  Result<hal::Value> read_property(std::string_view key) override;
  /// A new home offset counts from the next homing, which is needed then. busy while the mount moves.
  Result<void> write_property(std::string_view key, const hal::Value& value) override;
  Result<std::vector<hal::SelfTestItem>> self_test(Deadline deadline) override;
  void safe_state() noexcept override {}  // a mount that stands is safe, and one that moves cannot be stopped

  hal::AxisInfo axis() const override;
  /// Asks the mount; while it moves, the position is where the move began.
  Result<hal::AxisStatus> status() override;
  /// positive: clockwise, as the mount counts up.
  Result<hal::Motion> home(hal::HomeDirection direction) override;
  Result<hal::Motion> move_absolute(Angle position) override;
  Result<hal::Motion> move_relative(Angle by) override;
  Result<void> stop(hal::StopMode mode) override;
  /// 45..100 % of the largest velocity: below that the motor may stall.
  Result<void> set_velocity(Angle per_second) override;

 private:
  class MoveHandle;
  using Clock = std::chrono::steady_clock;

  struct Move {
    std::uint64_t number = 0;
    std::optional<Bus::Expectation> end;
    bool homing = false;
    std::int64_t way = 0, goal_raw = 0;  // counts of the mount
    Clock::time_point due;               // then it is asked what became of the move
    int patience = 5;                    // so many times may it answer that it is still busy
  };

  Mount(Bus& bus, char address, Identity identity);

  // All below: mutex_ is held.
  Result<void> ready();
  Result<void> come_back();
  Result<void> find_again();
  Result<void> restore_settings();
  Result<void> refuse_while_moving() const;
  Result<void> check_status();
  Result<std::int32_t> read_counts(const std::string& request, std::string_view kind);
  Result<void> set(const std::string& request);
  Result<std::int64_t> ask_velocity();
  Result<void> apply_velocity(std::int64_t percent);
  Result<void> apply_home_offset(Angle offset);
  Result<hal::Motion> go_to(std::int64_t goal);  // in HAL counts
  Result<hal::Motion> begin(const std::string& request, std::int64_t way, std::int64_t goal_raw, bool homing);
  void progress();
  void conclude(const Result<Reply>& reply);
  void ask_what_became_of_it();
  void read_back(std::string_view otherwise);
  void arrived(std::int32_t raw, std::int64_t miss);
  void end(const Result<void>& outcome);
  Result<void> outcome(std::uint64_t number) const;
  Error error(Code code, std::string message) const;

  // Called by the handles of moves.
  Result<void> wait_for(std::uint64_t number, Deadline deadline, const std::stop_token& stop);
  bool has_ended(std::uint64_t number) noexcept;

  Bus* bus_;
  const Identity identity_;
  const Scale scale_;
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable_any ended_;
  char address_;
  std::uint64_t generation_;      // of the bus, when the mount was last identified
  std::int64_t velocity_ = 100;   // percent, as the mount holds it
  std::int32_t home_offset_ = 0;  // counts
  bool homed_ = false, fault_ = false;
  std::uint32_t native_ = 0;  // last status code
  std::int64_t raw_ = 0;      // position the mount told last
  std::int64_t turns_ = 0;    // counts (whole turns) to add to it
  std::uint64_t moves_ = 0;
  double degrees_moved_ = 0;
  std::optional<Move> move_;
  std::map<std::uint64_t, Error> failures_;  // of the last moves, for handles that ask late
};

}  // namespace nicol::elliptec
