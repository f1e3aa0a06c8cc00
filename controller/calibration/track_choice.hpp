// SPDX-License-Identifier: Apache-2.0
// Which rotation the compensator should make for the next block: the one that costs least now and, by what it shows,
// in the blocks after it.
#pragma once

#include <span>

#include "controller/calibration/track_model.hpp"

namespace nicol::calibration {

struct Outlook {
  Correlators variance = Correlators::Zero();  // of the next block's correlators, from its counts
  double hours = 0;                            // from one block to the next
  double blocks_ahead = 2;                     // for how many blocks what it shows is worth something
};

struct Choice {
  Rotation compensator = Rotation::Identity();
  // Expected of the next block, mean of both bases, the drift until then not counted:
  double qber = 0;
  double dither = 0;  // of it, paid for what this setting shows: above the least within reach
  double doubt = 0;   // of it, what the least within reach is above what each hypothesis would need if it were known
};

/// Expected QBER of a setting, mean of both bases.
double expected_qber(std::span<const Hypothesis> all, const Rotation& compensator);
/// The setting of the least expected QBER, in closed form.
Rotation best_compensator(std::span<const Hypothesis> all);
/// `wanted`, or as far towards it from `now` as the step allows (radians on the sphere, along the shortest way).
Rotation within_step(const Rotation& now, const Rotation& wanted, double largest_step);

/// Of the best setting within reach, dithers about it, the best settings of single hypotheses, and where it stands, the
/// one with the least QBER in the next block plus what is expected to be left after it for `blocks_ahead` blocks.
Choice choose_compensator(std::span<const Hypothesis> all, const Rotation& now, double largest_step,
                          const Outlook& outlook);

}  // namespace nicol::calibration
