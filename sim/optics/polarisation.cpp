// SPDX-License-Identifier: Apache-2.0
// The elements of a polarisation bench, each from its textbook definition.
#include "sim/optics/polarisation.hpp"

#include <Eigen/Geometry>
#include <array>
#include <complex>

namespace nicol::sim {
namespace {

using Complex = std::complex<double>;

const std::array<Jones, 4>& pauli() {
  static const std::array<Jones, 4> matrices = [] {
    std::array<Jones, 4> s;
    s[0] << 1, 0, 0, 1;
    s[1] << 1, 0, 0, -1;
    s[2] << 0, 1, 1, 0;
    s[3] << 0, Complex(0, -1), Complex(0, 1), 0;
    return s;
  }();
  return matrices;
}

}  // namespace

JonesVector linear_state(Angle polarisation) {
  return {std::cos(polarisation.radians()), std::sin(polarisation.radians())};
}

Jones rotator(Angle by) {
  const double c = std::cos(by.radians()), s = std::sin(by.radians());
  Jones r;
  r << c, -s, s, c;
  return r;
}

Jones polariser(Angle transmitted) {
  const JonesVector axis = linear_state(transmitted);
  return axis * axis.adjoint();
}

Jones retarder(double retardance, Angle fast_axis) {
  Jones plate = Jones::Zero();
  plate(0, 0) = std::polar(1.0, -retardance / 2);
  plate(1, 1) = std::polar(1.0, retardance / 2);
  return rotator(fast_axis) * plate * rotator(-fast_axis);
}

Jones half_wave_plate(Angle fast_axis) { return retarder(std::numbers::pi, fast_axis); }
Jones quarter_wave_plate(Angle fast_axis) { return retarder(std::numbers::pi / 2, fast_axis); }

Stokes stokes(const JonesVector& field) {
  Stokes s;
  for (int i = 0; i < 4; ++i) s[i] = (field.adjoint() * pauli()[static_cast<std::size_t>(i)] * field)(0, 0).real();
  return s;
}

Mueller mueller(const Jones& element) {
  Mueller m;
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) {
      const Jones& si = pauli()[static_cast<std::size_t>(i)];
      const Jones& sj = pauli()[static_cast<std::size_t>(j)];
      m(i, j) = (si * element * sj * element.adjoint()).trace().real() / 2;
    }
  return m;
}

SphereRotation sphere_rotation(const Mueller& lossless) { return lossless.bottomRightCorner<3, 3>(); }

SphereRotation sphere_rotation(const Eigen::Vector3d& axis_angle) {
  const double angle = axis_angle.norm();
  if (angle == 0) return SphereRotation::Identity();
  return Eigen::AngleAxisd(angle, axis_angle / angle).toRotationMatrix();
}

SphereRotation plate_rotation(double retardance_waves, Angle fast_axis) {
  return sphere_rotation(mueller(retarder(2 * std::numbers::pi * retardance_waves, fast_axis)));
}

}  // namespace nicol::sim
