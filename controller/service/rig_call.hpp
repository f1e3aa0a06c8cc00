// SPDX-License-Identifier: Apache-2.0
// What one node asks of the other's rig while it calibrates, and the answers: RIG_CALL and RIG_ANSWER, byte by byte.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drivers/hal/rig.hpp"

namespace nicol::service {

/// All that calibration and tracking need of the other side, and nothing else.
enum class RigMethod : std::uint8_t {
  begin,  // from here on this rig is the caller's, until end or silence
  end,
  source_caps,
  arm_and_enable,  // with the consent that the node already has
  set_light,       // number: LightLevel
  emission,
  begin_block,  // number: slots
  emit,         // number: first slot; bases, bits
  end_block,
  first_unsent,
  open_shutter,
  close_shutter,
  shutter_state,
  begin_heralds,  // number: slots of the block to come
  heralds,        // answer: complete slots, then the heralded ones since the last call, as many as fit
  end_heralds,
  try_again  // no calibration: the last block failed, and Bob's plates have been turned since
};
inline constexpr RigMethod kLastRigMethod = RigMethod::try_again;

/// id u32, method u8, number u64, then for emit: slots varint, bases and bits as packed bits.
struct RigCall {
  std::uint32_t id = 0;
  RigMethod method = RigMethod::begin;
  std::uint64_t number = 0;
  std::uint64_t slots = 0;
  std::vector<std::uint64_t> bases, bits;
};

/// id u32, done u8, error code u8, text, numbers: count varint, each u64.
struct RigAnswer {
  std::uint32_t id = 0;
  Result<void> done;
  std::vector<std::uint64_t> numbers;
};

inline constexpr std::uint64_t kMostCallSlots = std::uint64_t{1} << 16, kMostAnswerNumbers = 4096;

std::vector<std::uint8_t> encode(const RigCall& call);
std::vector<std::uint8_t> encode(const RigAnswer& answer);
/// protocol: not what is written above. Total: any bytes give a value or an error.
Result<RigCall> decode_rig_call(std::span<const std::uint8_t> bytes);
Result<RigAnswer> decode_rig_answer(std::span<const std::uint8_t> bytes);

}  // namespace nicol::service
