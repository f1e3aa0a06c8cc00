// SPDX-License-Identifier: Apache-2.0
// Polarised light: Jones matrices for pure elements, Mueller matrices for what a photon's Stokes vector meets.
#pragma once

#include <Eigen/Core>

#include "drivers/hal/units.hpp"

namespace nicol::sim {

using Jones = Eigen::Matrix2cd;
using JonesVector = Eigen::Vector2cd;
using Mueller = Eigen::Matrix4d;
/// (1, s1, s2, s3) for one photon: s1 = +1 at 0 deg, s2 = +1 at 45 deg.
using Stokes = Eigen::Vector4d;
/// A lossless element on the Poincare sphere: acts on (s1, s2, s3).
using SphereRotation = Eigen::Matrix3d;

JonesVector linear_state(Angle polarisation);
Jones polariser(Angle transmitted);
/// Retardance in radians between slow and fast axis.
Jones retarder(double retardance, Angle fast_axis);
Jones half_wave_plate(Angle fast_axis);
Jones quarter_wave_plate(Angle fast_axis);
/// Turns every linear polarisation by `by` (optical activity).
Jones rotator(Angle by);

/// S_i = <E| sigma_i |E>, sigma = (1, Z, X, Y).
Stokes stokes(const JonesVector& field);
/// M_ij = tr(sigma_i J sigma_j J^dagger) / 2 (Azzam and Bashara, "Ellipsometry and Polarized Light", 2.12).
Mueller mueller(const Jones& element);
/// The lower right block of a retarder's or rotator's Mueller matrix.
SphereRotation sphere_rotation(const Mueller& lossless);
/// What a retarder of so many waves does on the sphere.
SphereRotation plate_rotation(double retardance_waves, Angle fast_axis);
/// Right-handed turn about an axis-angle vector, in radians (Rodrigues).
SphereRotation sphere_rotation(const Eigen::Vector3d& axis_angle);

}  // namespace nicol::sim
