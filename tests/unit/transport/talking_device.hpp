// SPDX-License-Identifier: Apache-2.0
// A serial device of the tests' own: answers each whole line by a function of the test's, and counts what it heard.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/emulators/emulator.hpp"

namespace nicol::transport {

struct TalkingDevice final : sim::SerialEmulator {
  sim::SerialIdentity who{0x0403, 0x6015, "FT230X", "FTDI", "FT12345", 0};
  std::function<std::string(const std::string&)> answer = [](const std::string& line) { return line + "\n"; };
  std::vector<std::string> heard;
  std::string pending, saying;

  sim::SerialIdentity identity() const override { return who; }
  void receive(std::span<const std::uint8_t> bytes, Picoseconds) override {
    for (const std::uint8_t byte : bytes) {
      if (byte == '\r') continue;
      if (byte != '\n') {
        pending += static_cast<char>(byte);
        continue;
      }
      heard.push_back(pending);
      saying += answer(pending);
      pending.clear();
    }
  }
  void collect(std::vector<std::uint8_t>& out, Picoseconds) override {
    out.insert(out.end(), saying.begin(), saying.end());
    saying.clear();
  }
  Picoseconds next_due() const override { return saying.empty() ? sim::kNever : Picoseconds{0}; }
  void power_cycle() override {
    pending.clear();
    saying.clear();
  }
};

}  // namespace nicol::transport
