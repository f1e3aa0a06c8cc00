// SPDX-License-Identifier: Apache-2.0
// What a fibre does to polarisation, from few counts: a rotation of the sphere and one depolarisation, by maximum
// likelihood, with error bars, and with the word of what these settings cannot tell.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "controller/calibration/plates.hpp"

namespace nicol::calibration {

/// Light of one known state, seen by one basis behind one setting of the compensator: p(plus) =
/// (1 + v analysed . compensator R sent) / 2, R and v the channel's.
struct Observation {
  Rotation compensator = Rotation::Identity();
  Stokes sent, analysed;              // unit vectors; analysed: the direction of the detector of `plus`
  std::uint64_t plus = 0, minus = 0;  // counts, background not taken off: it is part of v
};

struct ChannelFit {
  Rotation channel = Rotation::Identity();
  double visibility = 0;  // v, 0..1
  /// Covariance of (rotation vector that turns `channel` on the left, in radians; v).
  Eigen::Matrix4d covariance = Eigen::Matrix4d::Zero();
};

/// What these observations cannot tell, whatever their counts. A two-basis receiver has no s3: with one setting and
/// four linear states a channel and its mirror image in s3 count alike. A second setting that brings s3 into a basis
/// tells them apart.
struct Blind {
  /// Two channels, mirrored in the plane of all states sent and in that of all directions seen, count alike.
  bool mirrored = false;
  /// Along how many directions of (rotation vector, v) nothing changes.
  int count = 0;
  Eigen::Matrix4d directions = Eigen::Matrix4d::Zero();  // the first `count` columns, orthonormal
};
Blind blind_to(std::span<const Observation> plan, const Rotation& channel);

/// Fisher scoring from a linear estimate. Empty where the observations leave something undetermined (blind_to) or hold
/// no counts. Hradil et al., Lect. Notes Phys. 649, 59 (2004), for why likelihood and not inversion.
std::optional<ChannelFit> fit_channel(std::span<const Observation> seen);

}  // namespace nicol::calibration
