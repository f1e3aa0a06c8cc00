// SPDX-License-Identifier: Apache-2.0
// The small numbers that both ends must agree on: refusals, faults, states. PROTOCOL.md has the same tables, and a test
// compares them.
#pragma once

#include <cstdint>

namespace nicol::fw {

/// Why a command was not carried out. Nothing of a refused command has happened.
enum class Nack : std::uint16_t {
  bad_length = 1,
  bad_value = 2,
  unsupported = 3,
  busy = 4,  // detail: milliseconds to wait, where that is known
  not_homed = 5,
  interlock_open = 6,
  not_armed = 7,
  wrong_session = 8,
  fault_latched = 9,  // detail: the faults
  rate_limited = 10,
  internal = 11,
  unsafe = 12  // bright light and enabled detectors, or a wider watchdog while armed
};

/// Bits; latched until CLEAR_FAULT.
using Faults = std::uint16_t;
inline constexpr Faults kFaultLinkLost = 1;
inline constexpr Faults kFaultInterlock = 2;  // interlock or key switch opened while armed or emitting
inline constexpr Faults kFaultOverRate = 4;
inline constexpr Faults kFaultCommanded = 8;  // SAFE_STATE
inline constexpr Faults kFaultHardware = 16;

enum class Emission : std::uint16_t { off = 0, armed = 1, emitting = 2, tripped = 3 };
/// off: no light. alignment: bright. quantum: single-photon level.
enum class Light : std::uint8_t { off = 0, alignment = 1, quantum = 2 };
/// Of an interlock loop or a key switch.
enum class Loop : std::uint8_t { open = 0, closed = 1, absent = 2 };
enum class Switch : std::uint8_t { off = 0, on = 1 };
enum class Gate : std::uint8_t { closed = 0, open = 1 };  // a shutter
enum class Edge : std::uint8_t { rising = 0, falling = 1 };
/// Numbered as the roles are listed in PROTOCOL.md.
enum class Role : std::uint8_t {
  none = 0,
  detector = 1,
  herald = 2,
  sync = 3,
  frame = 4,
  pps = 5,
  gate = 6,
  monitor = 7
};

/// The pattern player.
enum class Player : std::uint8_t {
  idle = 0,
  waiting = 1,   // told to run, no pattern for the first slot yet
  running = 2,   // pulses and sync go out
  dry = 3,       // ran out of pattern at a chunk border, silent: SOURCE_RUN goes on from there
  finished = 4,  // all slots of the block have left
  stopped = 5    // silenced by SOURCE_END, by DISABLE_EMISSION or by the safe state
};

}  // namespace nicol::fw
