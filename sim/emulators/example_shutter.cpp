// SPDX-License-Identifier: Apache-2.0
#include "sim/emulators/example_shutter.hpp"

#include <utility>

namespace nicol::sim {

SerialIdentity ExampleShutter::identity() const {
  return {0x1209, 0x0002, "Example Shutter", "Example", options_.serial, 9600};
}

void ExampleShutter::power_cycle() {
  heard_.clear();
  said_.clear();
  opens_ = false;
  arrives_ = {};
  fault_ = 0;
}

void ExampleShutter::receive(std::span<const std::uint8_t> bytes, Picoseconds now) {
  constexpr std::size_t kLongest = 32;
  for (const std::uint8_t byte : bytes) {
    if (byte == '\r')
      execute(std::exchange(heard_, {}), now);
    else if (heard_.size() < kLongest)
      heard_.push_back(static_cast<char>(byte));
  }
}

void ExampleShutter::execute(std::string_view command, Picoseconds now) {
  if (command == "O") go(true, now);
  if (command == "C") go(false, now);
  if (command == "S?") said_ += status(now) + '\r';
  if (command == "*IDN?") said_ += "EXAMPLE SHUTTER," + options_.serial + ",1.0\r";
}

void ExampleShutter::go(bool opens, Picoseconds now) {
  if (opens == opens_ || fault_ != 0) return;
  opens_ = opens;
  arrives_ = now + options_.travel;
  ++moves_;
}

std::string ExampleShutter::status(Picoseconds now) const {
  if (fault_ != 0) return "FAULT " + std::to_string(fault_);
  if (now < arrives_) return "MOVING";
  return opens_ || options_.mutant == ExampleShutterMutant::says_open_while_closed ? "OPEN" : "CLOSED";
}

void ExampleShutter::collect(std::vector<std::uint8_t>& out, Picoseconds) {
  out.insert(out.end(), said_.begin(), said_.end());
  said_.clear();
}

}  // namespace nicol::sim
