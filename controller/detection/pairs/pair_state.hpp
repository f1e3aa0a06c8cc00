// SPDX-License-Identifier: Apache-2.0
// What two photons of a pair have in common, which says whether Bob's bit is turned over.
#pragma once

#include <cstdint>

namespace nicol::detection::pairs {

enum class PairState : std::uint8_t {
  psi_minus,  // opposite in both bases
  phi_plus    // equal in both bases
};

}  // namespace nicol::detection::pairs
