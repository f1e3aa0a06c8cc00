// SPDX-License-Identifier: Apache-2.0
// The four states of BB84 on the sphere, and how a receiver shares out light that has no polarisation.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>

#include "drivers/hal/rig.hpp"
#include "drivers/hal/units.hpp"

namespace nicol::sim {

/// Numbered 2 * basis + bit: rectilinear 0, 1 = 90, 0 deg; diagonal 0, 1 = 135, 45 deg.
inline constexpr std::size_t state_index(bool diagonal, bool bit) { return (diagonal ? 2U : 0U) + (bit ? 1U : 0U); }
Angle polarisation_of(std::size_t state);
/// (s1, s2, s3) of a state turned by `misalignment` in the laboratory.
Eigen::Vector3d prepared(std::size_t state, Angle misalignment);
/// The state whose polarisation is nearest to this one.
std::size_t nearest_state(Angle polarisation);

/// Share of unpolarised light that falls on one detector: passive r0, r1, d0, d1; active bit 0, bit 1.
double background_share(hal::ReceiverKind kind, double splitter, std::size_t detector);

/// Jitter (standard deviation) of Alice's herald detector, and of the sync and frame pulses.
inline constexpr double kHeraldJitterPs = 100, kSyncJitterPs = 20;
/// Of a satellite receiver's pulse a second.
inline constexpr double kSecondJitterPs = 20'000;
/// The frame pulse comes so long after the sync pulse of slot 0, so that no tick holds both.
inline constexpr std::int64_t kFrameDelayPs = 5'000;

}  // namespace nicol::sim
