// SPDX-License-Identifier: Apache-2.0
// One direction of a serial line: how long bytes take, what noise makes of them, which are hit by a fault.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/emulators/fault_plan.hpp"

namespace nicol::test {

/// What the line is like while bytes are put onto it.
struct LineState {
  Picoseconds latency;
  int paced_baud = 0;         // bytes take ten bits each at this rate; 0: no time at all
  bool rates_differ = false;  // the two ends: each hears noise
};

class PacedLine {
 public:
  PacedLine(sim::FaultPlan plan, sim::FaultSide side) : side_(side), line_(std::move(plan), side) {}

  void put(std::vector<std::uint8_t> bytes, Picoseconds now, const LineState& state) {
    carried_ += bytes.size();
    if (state.rates_differ)
      for (std::uint8_t& byte : bytes) byte = sim::noise_instead_of(byte, noise_++);
    if (state.paced_baud <= 0) return line_.put(bytes, now + state.latency);
    const Picoseconds byte_time{10'000'000'000'000 / state.paced_baud};
    for (const std::uint8_t& byte : bytes) {
      free_ = std::max(free_, now) + byte_time;
      line_.put(std::span(&byte, 1), free_ + state.latency);
    }
  }
  void pass(std::vector<std::uint8_t>& out, Picoseconds now) { line_.pass(out, now); }
  Picoseconds next_due() const { return line_.next_due(); }
  bool unplug_now() const { return line_.unplug_now(); }
  void cut() { line_.cut(); }
  /// The new plan counts from here; bytes under way arrive no more.
  void plan(sim::FaultPlan plan) { line_ = sim::FaultyLine(std::move(plan), side_); }
  std::uint64_t carried() const { return carried_; }

 private:
  sim::FaultSide side_;
  sim::FaultyLine line_;
  Picoseconds free_;  // when the line is free for the next byte
  std::uint64_t carried_ = 0, noise_ = 0;
};

}  // namespace nicol::test
