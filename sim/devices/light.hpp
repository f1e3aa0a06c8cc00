// SPDX-License-Identifier: Apache-2.0
// Light on its way to Bob: the photons of a stretch of slots, as structure of arrays behind one bounded header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "sim/eve/attack.hpp"
#include "sim/optics/joint_photons.hpp"

namespace nicol::sim {

inline constexpr std::uint32_t kLightMagic = 0x4c43494e;  // "NICL"
inline constexpr std::uint32_t kLightVersion = 2;
inline constexpr std::size_t kBatchPhotons = 16'384, kBatchGroups = 2'048;
/// A slot has at most so many photons (the tail of the number distribution is folded into the last).
inline constexpr std::size_t kSlotPhotons = 32;

/// kBlockResumes: after a pause light goes on with first_slot, which the frame marker comes with again.
inline constexpr std::uint32_t kBlockBegins = 1, kBlockEnds = 2, kBlockResumes = 4;

/// Times in picoseconds of Alice's clock. Same machine, same byte order.
struct LightHeader {
  std::uint32_t magic = kLightMagic, version = kLightVersion;
  std::uint32_t flags = 0;
  std::uint32_t block = 0;  // begin_block() count, from 0
  std::uint64_t block_slots = 0;
  std::uint64_t first_slot = 0, slots = 0;  // what this batch covers
  std::int64_t slot_zero = 0, slot_period = 0;
  std::int64_t begin = 0, end = 0;  // light of [begin, end) is complete with this batch
  std::uint32_t sync_divider = 1, photons = 0;
  std::uint32_t groups = 0, reserved = 0;
};
static_assert(std::is_trivially_copyable_v<LightHeader> && sizeof(LightHeader) == 88);

/// Photons that follow each other and have one joint polarisation: their states are the stars of a JointPhotons. The
/// first `lost` of them are lost on the way, but were part of it.
struct LightGroup {
  std::uint32_t first = 0;
  std::uint16_t photons = 0, lost = 0;
};

struct LightBatch {
  LightHeader header;
  std::vector<std::uint32_t> slot = std::vector<std::uint32_t>(kBatchPhotons);  // after first_slot, not decreasing
  std::vector<std::int32_t> time = std::vector<std::int32_t>(kBatchPhotons);    // after the slot's start, ps
  std::vector<PhotonState> state = std::vector<PhotonState>(kBatchPhotons);
  std::vector<LightGroup> group = std::vector<LightGroup>(kBatchGroups);  // in order, apart

  bool has_room() const { return header.photons + kSlotPhotons <= kBatchPhotons && header.groups < kBatchGroups; }
  void push(std::uint32_t of_slot, std::int32_t at, const PhotonState& light) {
    const std::size_t n = header.photons++;
    slot.data()[n] = of_slot;  // has_room() is the check; this is the innermost loop
    time.data()[n] = at;
    state.data()[n] = light;
  }
  /// The photons pushed from `first` on belong together.
  void tie(std::uint32_t first, std::uint16_t lost) {
    group[header.groups++] = {first, static_cast<std::uint16_t>(header.photons - first), lost};
  }
};

}  // namespace nicol::sim
