// SPDX-License-Identifier: Apache-2.0
// Faults by plan: at the nth byte of a serial line, or the nth transfer of a USB endpoint.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <utility>
#include <vector>

#include "drivers/hal/units.hpp"

namespace nicol::sim {

/// What happens to a byte (or a transfer). stall: it and all after it stay away until the plan changes (USB: until
/// CLEAR_HALT). garbage: replaced by noise. unplug: those before it still arrive.
enum class FaultKind : std::uint8_t { drop, duplicate, corrupt, late, stall, garbage, unplug };
enum class FaultSide : std::uint8_t { to_device, from_device };

struct Fault {
  FaultKind kind = FaultKind::drop;
  FaultSide side = FaultSide::from_device;
  std::uint64_t at = 0;      // byte or transfer, from 0, counted a side
  std::uint64_t count = 1;   // so many bytes or transfers from there
  Picoseconds delay;         // late
  std::uint8_t mask = 0x40;  // corrupt: XORed
};
using FaultPlan = std::vector<Fault>;

/// The first fault of the plan that hits this byte or transfer, or nullptr.
const Fault* fault_at(const FaultPlan& plan, FaultSide side, std::uint64_t index);

/// Noise that is the same in every run and never the byte itself.
std::uint8_t noise_instead_of(std::uint8_t byte, std::uint64_t index);

/// What becomes of bytes on their way, in order. One direction of one line; keeps count.
class FaultyLine {
 public:
  FaultyLine(FaultPlan plan, FaultSide side) : plan_(std::move(plan)), side_(side) {}
  /// Takes bytes that left at `now`; pass() gives those that have arrived by then.
  void put(std::span<const std::uint8_t> bytes, Picoseconds now);
  void pass(std::vector<std::uint8_t>& out, Picoseconds now);
  Picoseconds next_due() const;
  bool unplug_now() const { return unplug_; }  // pass() has reached the byte that pulls the cable
  /// The cable was pulled: what was under way is lost, the count goes on.
  void cut();
  std::uint64_t seen() const { return seen_; }

 private:
  struct Late {
    Picoseconds at;
    std::uint8_t byte = 0;
    bool unplugs = false;
  };
  void queue(Late late);

  FaultPlan plan_;
  FaultSide side_;
  std::uint64_t seen_ = 0;
  bool unplug_ = false, stalled_ = false;
  std::deque<Late> queue_;
};

}  // namespace nicol::sim
