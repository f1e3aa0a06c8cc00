// SPDX-License-Identifier: Apache-2.0
// What is said to a CQT FX2 timestamp card on endpoint 1: short packets with a sum at their end. Pure functions.
#pragma once

#include <cstdint>
#include <vector>

namespace nicol::cqt_fx2 {

enum class Command : std::uint8_t {
  reset_counter = 1,  // time starts at zero, the FIFO is emptied; leaves the inputs inhibited
  set_dac = 2,        // 16 bits: channel << 12 | value
  init_dac = 3,
  reference = 5,  // 1 internal, 0 external 10 MHz
  inhibit = 7,    // nothing is sampled
  sample = 8,
  calibration_off = 9,
  clear_buffers = 11,
  stop = 12,       // sends what is left
  autoflush = 13,  // n x 10 ms; 0: never
  start = 14,
  fresh = 15,  // into a known state, whatever was before
  status = 16,
  watermark = 17  // the published firmware takes no notice
};

/// Channels of the converter that sets the card's levels.
enum class Dac : std::uint8_t { coincidence = 0, threshold = 1, calibration = 2, skew = 3 };
inline constexpr std::uint16_t kDacMax = 4095;

/// What command 16 can be asked for.
enum class StatusItem : std::uint8_t { lines = 0, overflow = 8 };
inline constexpr std::uint8_t kLineInhibited = 0x80, kLineFifoFull = 0x10;

/// [length, command, arguments, sum of the bytes before]; the length counts all of them.
std::vector<std::uint8_t> packet(Command command);
std::vector<std::uint8_t> packet(Command command, std::uint8_t argument);
std::vector<std::uint8_t> packet(Command command, std::uint16_t argument);  // low byte first
std::vector<std::uint8_t> dac_packet(Dac channel, std::uint16_t value);

}  // namespace nicol::cqt_fx2
