// SPDX-License-Identifier: Apache-2.0
// What a fibre, and whoever sits on it, may be doing to four linear states, and how often the public counts of a block
// would then come out as they did.
#pragma once

#include <cstdint>

#include "controller/calibration/plates.hpp"

namespace nicol::calibration {

/// Public outcomes of a block, index [Bob's basis][Alice's basis]: both bits the same or not. Mismatched slots all of
/// them, matched ones only the disclosed.
struct Agreements {
  std::array<std::array<std::uint64_t, 2>, 2> same{}, different{};
};

/// A symmetric shrinking of the (s1, s2) plane as it leaves Alice: ((mean + skew, shear), (shear, mean - skew)). The
/// optics and the detectors' background give `mean` alone; someone who measures and sends on gives the others too.
struct Shrinking {
  double mean = 1, skew = 0, shear = 0;
};

/// One thing the channel may be. Rotation times shrinking is any real 3x2 matrix (polar decomposition): every linear
/// map of the four states is one of these, Eve's too.
struct Hypothesis {
  Rotation fibre = Rotation::Identity();
  Shrinking shrinking;
  double walk = 0;  // how fast the fibre turns about each axis: rad per square root of an hour
};
using Arrived = Eigen::Matrix<double, 3, 2>;  // columns: where +s1 and +s2 of Alice arrive
Arrived arrived(const Hypothesis& h);
/// Does not take a state out of the sphere, nor through its centre.
bool physical(const Shrinking& s);

/// Six coordinates about a hypothesis: a rotation vector that turns the fibre on the left (radians), then what is added
/// to mean, skew, shear.
using Change = Eigen::Matrix<double, 6, 1>;
Hypothesis changed(const Hypothesis& h, const Change& by);

/// The four correlators P(same) - P(different), in the order (Bob, Alice) = 00, 01, 10, 11; and their slopes.
using Correlators = Eigen::Vector4d;
Correlators correlators_of(const Arrived& where, const Rotation& compensator);
Eigen::Matrix<double, 4, 6> slopes(const Hypothesis& h, const Rotation& compensator);

/// Binomial, up to a constant.
double log_likelihood(const Agreements& seen, const Correlators& expected);

struct Observed {
  Correlators value = Correlators::Zero(), variance = Correlators::Constant(1e6);  // as large where nothing was seen
};
Observed observed(const Agreements& seen);

/// The two rotations of the fibre that would have given these correlators, mirror images of each other in the plane of
/// linear states (equal where that plane is not tilted). `mean` is the shrinking taken for known.
std::array<Rotation, 2> rotations_behind(const Correlators& seen, const Rotation& compensator, double mean);

/// QBER, mean of both bases, that this much of the contrast leaves.
double qber_of(const Correlators& c);

}  // namespace nicol::calibration
