// SPDX-License-Identifier: Apache-2.0
#include "sim/emulators/fault_plan.hpp"

#include <algorithm>

#include "sim/emulators/emulator.hpp"

namespace nicol::sim {

const Fault* fault_at(const FaultPlan& plan, FaultSide side, std::uint64_t index) {
  for (const Fault& f : plan)
    if (f.side == side && index >= f.at && index - f.at < f.count) return &f;
  return nullptr;
}

std::uint8_t noise_instead_of(std::uint8_t byte, std::uint64_t index) {
  // The finaliser of splitmix64: neighbouring indices give unrelated bytes.
  std::uint64_t z = (index + 1) * 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  const auto noise = static_cast<std::uint8_t>(z >> 56U);
  return noise == byte ? static_cast<std::uint8_t>(~byte) : noise;
}

void FaultyLine::queue(Late late) {
  // A line keeps its order: what follows a late byte is as late.
  if (!queue_.empty()) late.at = std::max(late.at, queue_.back().at);
  queue_.push_back(late);
}

void FaultyLine::put(std::span<const std::uint8_t> bytes, Picoseconds now) {
  for (const std::uint8_t byte : bytes) {
    const std::uint64_t index = seen_++;
    const Fault* fault = fault_at(plan_, side_, index);
    if (stalled_) continue;
    if (fault == nullptr) {
      queue({now, byte, false});
      continue;
    }
    switch (fault->kind) {
      case FaultKind::drop:
        break;
      case FaultKind::duplicate:
        queue({now, byte, false});
        queue({now, byte, false});
        break;
      case FaultKind::corrupt:
        queue({now, static_cast<std::uint8_t>(byte ^ fault->mask), false});
        break;
      case FaultKind::late:
        queue({now + fault->delay, byte, false});
        break;
      case FaultKind::stall:
        stalled_ = true;
        break;
      case FaultKind::garbage:
        queue({now, noise_instead_of(byte, index), false});
        break;
      case FaultKind::unplug:
        queue({now, byte, true});
        break;
    }
  }
}

void FaultyLine::pass(std::vector<std::uint8_t>& out, Picoseconds now) {
  while (!unplug_ && !queue_.empty() && queue_.front().at <= now) {
    if (queue_.front().unplugs) {
      unplug_ = true;
      return;
    }
    out.push_back(queue_.front().byte);
    queue_.pop_front();
  }
}

Picoseconds FaultyLine::next_due() const { return unplug_ || queue_.empty() ? kNever : queue_.front().at; }

void FaultyLine::cut() {
  queue_.clear();
  unplug_ = stalled_ = false;
}

}  // namespace nicol::sim
