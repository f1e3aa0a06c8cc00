// SPDX-License-Identifier: Apache-2.0
// A serial device that echoes, says what it is told to at a time, and counts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/emulators/emulator.hpp"

namespace nicol::test {

/// To be looked into under FakeTty::locked().
class EchoSerial : public sim::SerialEmulator {
 public:
  explicit EchoSerial(int demanded_baud = 0) : demanded_baud_(demanded_baud) {}

  sim::SerialIdentity identity() const override {
    return {0x0403, 0xfaf0, "Echo box", "Nicol tests", "27000001", demanded_baud_};
  }
  void receive(std::span<const std::uint8_t> bytes, Picoseconds) override {
    heard.append(bytes.begin(), bytes.end());
    pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  }
  void collect(std::vector<std::uint8_t>& out, Picoseconds now) override {
    ++asked;
    if (now >= due) {
      pending_.insert(pending_.end(), later.begin(), later.end());
      due = sim::kNever;
    }
    out.insert(out.end(), pending_.begin(), pending_.end());
    pending_.clear();
  }
  Picoseconds next_due() const override { return due; }
  void power_cycle() override { ++power_cycles; }

  std::string heard;
  std::string later;  // said at `due`
  Picoseconds due = sim::kNever;
  int power_cycles = 0;
  std::uint64_t asked = 0;

 private:
  int demanded_baud_;
  std::vector<std::uint8_t> pending_;
};

}  // namespace nicol::test
