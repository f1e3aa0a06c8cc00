// SPDX-License-Identifier: Apache-2.0
// One motor channel as its controller's messages tell it, and what became of the last move. Pure: told messages and the
// time, it does no I/O and takes no lock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "drivers/apt/messages.hpp"
#include "drivers/hal/result.hpp"

namespace nicol::apt {

/// Of moves, as a caller's handle asks for them: a newer move or a lost cable does not change what became of an older.
struct MoveOutcome {
  std::uint64_t number = 0;
  std::optional<Result<void>> result;  // empty while it runs
};

class Channel {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class Goal : std::uint8_t { position, home };

  /// What counts as "there", what a count is (for messages), and who speaks.
  Channel(std::int32_t tolerance_counts, double counts_per_degree, std::string device)
      : tolerance_(tolerance_counts), counts_per_degree_(counts_per_degree), device_(std::move(device)) {}

  /// A command is about to be sent. The number by which outcome() is asked.
  std::uint64_t begin(Goal goal, std::int32_t target, Time now);
  void stopping() { stop_asked_ = running(); }
  /// The move was not sent after all.
  void abandon(const Error& why);
  /// The cable is gone: so are the move and what was known of the position.
  void lost(const Error& why);

  // What came in.
  void report(const Report& report, Id as, Time now);
  void homed(Time now);
  /// The controller complained (0x0080, 0x0081).
  void complained(const FaultReport& fault);
  /// A controller that says nothing for long has taken the move with it. Call now and then.
  void look(Time now);

  bool running() const { return last_.number > 0 && !last_.result; }
  bool stop_asked() const { return running() && stop_asked_; }
  /// Empty result: still running. Of an older move: ok if it ended before the next began, which is always so.
  MoveOutcome outcome(std::uint64_t number) const;
  const std::optional<Report>& last_report() const { return report_; }
  /// As it says itself, and not before a homing has ended since the cable was away.
  bool is_homed() const { return report_ && (report_->status & bits::kHomed) != 0 && !home_forgotten_; }
  bool fault() const { return fault_; }
  std::uint64_t moves() const { return last_.number; }
  double counts_moved() const { return counts_moved_; }

 private:
  void settle(Result<void> result);
  void judge();
  bool stands_long_enough(Time now) const;
  bool check_faults(std::uint32_t status);
  double degrees(std::int64_t counts) const { return static_cast<double>(counts) / counts_per_degree_; }
  Error error(Code code, std::string message) const;

  const std::int32_t tolerance_;
  const double counts_per_degree_;
  const std::string device_;
  std::optional<Report> report_;
  MoveOutcome last_, before_;
  Goal goal_ = Goal::position;
  std::int32_t target_ = 0;
  std::optional<std::int32_t> start_;
  Time still_since_{}, heard_{};
  bool seen_moving_ = false, told_ = false, stop_asked_ = false, still_ = false, fault_ = false;
  bool home_forgotten_ = false;
  int faulty_reports_ = 0;
  double counts_moved_ = 0;
};

}  // namespace nicol::apt
