// SPDX-License-Identifier: Apache-2.0
#include "sim/devices/compensator.hpp"

#include "sim/optics/analyser.hpp"

namespace nicol::sim {

SphereRotation rotation(const CompensatorOptics& plates, Picoseconds t) {
  SphereRotation total = SphereRotation::Identity();
  for (const PlateOptic& plate : plates) total = plate_rotation(plate.retardance_waves, plate.fast_axis(t)) * total;
  return total;
}

double transmittance(const CompensatorOptics& plates, Picoseconds t) {
  double total = 1;
  for (const PlateOptic& plate : plates) total *= wedge_transmittance(plate.wedge, plate.fast_axis(t));
  return total;
}

void turn(LightBatch& batch, const CompensatorOptics& plates) {
  if (plates.empty()) return;
  const Eigen::Matrix3f by = rotation(plates, {batch.header.end}).cast<float>();
  for (std::size_t i = 0; i < batch.header.photons; ++i) {
    PhotonState& p = batch.state[i];
    const Eigen::Vector3f turned = by * Eigen::Vector3f(p.s1, p.s2, p.s3);
    p = {turned[0], turned[1], turned[2]};
  }
}

}  // namespace nicol::sim
