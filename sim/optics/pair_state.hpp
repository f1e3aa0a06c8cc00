// SPDX-License-Identifier: Apache-2.0
// Two photons whose polarisations belong together: what measuring one says of the other.
#pragma once

#include <array>
#include <cstddef>

#include "sim/optics/polarisation.hpp"

namespace nicol::sim {

/// Half a turn of the sphere about s1, s2 or s3 (1 to 3), or none (0): what takes one Bell state into another when one
/// photon is turned so. The singlet turned about s3 is phi-plus.
SphereRotation half_turn(std::size_t about);

/// Probabilities of the four Bell states in the mixture with these visibilities along s1, s2 and s3: that of the named
/// state, then of it with one photon turned half about s1, s2, s3. Negative where no state has them.
std::array<double, 4> bell_shares(const std::array<double, 3>& visibility);

/// Bob's photon once Alice's was found along `measured` (a point of the sphere, both where the pair is made), for the
/// singlet with Bob's photon turned by `turn`.
inline Eigen::Vector3d twin_of(const Eigen::Vector3d& measured, const SphereRotation& turn) { return turn * -measured; }

}  // namespace nicol::sim
