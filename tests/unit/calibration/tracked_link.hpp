// SPDX-License-Identifier: Apache-2.0
// A link whose fibre drifts and on which Eve may sit: every click of a block drawn from the exact rotation, with draws
// of its own for drift, Eve and detection, so that a tracked and an untracked run of one seed differ by the plates
// alone.
#pragma once

#include "controller/calibration/compensation.hpp"
#include "controller/calibration/tracker.hpp"
#include "sim/eve/attack.hpp"
#include "sim/optics/polarisation.hpp"
#include "tests/unit/calibration/drawn_channel.hpp"

namespace nicol::calibration::test {

struct LinkOptions {
  double rate = 2000, seconds = 15;  // detections a second; of a block
  double walk = 1;                   // rad per square root of an hour, each axis
  double visibility = 0.97, sample_share = 0.10;
  std::array<double, 3> waves{0.2484, 0.5032, 0.2532};  // of the plates
  sim::EveOptions eve;
};

inline PlateStack stack_of(const LinkOptions& link) {
  PlateStack stack;
  for (std::size_t i = 0; i < 3; ++i) stack.retardance[i] = 2 * std::numbers::pi * link.waves[i];
  return stack;
}

/// Errors among, and number of, all matched bits of a block by basis: what the key is made of too.
struct Matched {
  std::array<std::uint64_t, 2> bits{}, errors{};
};
struct DrawnBlock {
  Agreements disclosed;
  Matched matched;
  double qber = 0;  // expected, mean of both bases, Eve's part included
};

class TrackedLink {
 public:
  TrackedLink(const LinkOptions& options, std::uint64_t seed)
      : options_(options),
        seed_(seed),
        drift_({seed, NodeId::world, Purpose::sim_channel, 0}),
        eve_(options.eve, seed),
        fibre_(draw_fibre(drift_)) {}
  const Rotation& fibre() const { return fibre_; }
  void jump() { fibre_ = draw_fibre(drift_); }

  /// The next block, its light met by these plates.
  DrawnBlock block(const PlateAngles& plates) {
    const Rotation compensator = plates_of(plates);
    DrawnBlock drawn;
    CounterStream clicks({seed_, NodeId::bob, Purpose::sim_detector, number_});
    eve_.begin_block(number_++);
    const auto count = static_cast<std::uint64_t>(options_.rate * options_.seconds);
    const double step = options_.walk * std::sqrt(options_.seconds / kSteps / 3600);
    for (std::uint64_t i = 0; i < count; ++i) {
      if (i % (count / kSteps) == 0) drift(step), whole_ = compensator * fibre_;
      draw_click(i, clicks, drawn);
    }
    drawn.qber /= static_cast<double>(drawn.matched.bits[0] + drawn.matched.bits[1]);
    return drawn;
  }

 private:
  static constexpr std::uint64_t kSteps = 10;  // of the drift, a block
  Rotation plates_of(const PlateAngles& plates) const {
    Rotation r = Rotation::Identity();
    for (std::size_t i = 0; i < 3; ++i) r = sim::plate_rotation(options_.waves[i], plates[i]) * r;
    return r;
  }
  void drift(double step) {
    const double x = draw_normal(drift_), y = draw_normal(drift_), z = draw_normal(drift_);
    fibre_ = turn(step * Stokes(x, y, z)) * fibre_;
  }
  void draw_click(std::uint64_t slot, CounterStream& clicks, DrawnBlock& drawn) {
    const std::uint64_t word = clicks();
    const std::size_t sent = word & 3, basis = word >> 2 & 1;
    const double u = clicks.uniform(), coin = clicks.uniform(), sign = sent % 2 == 1 ? 1 : -1;
    Stokes state = sent / 2 == 0 ? Stokes(sign, 0, 0) : Stokes(0, sign, 0);
    if (eve_.active()) {
      sim::PhotonState photon{static_cast<float>(state[0]), static_cast<float>(state[1]), 0};
      eve_.meet(slot, &photon, 1);
      state = Stokes(photon.s1, photon.s2, photon.s3);
    }
    const double along = options_.visibility * whole_.row(static_cast<Eigen::Index>(basis)).dot(state);
    const bool matched = sent / 2 == basis;
    const double wrong = (1 - sign * along) / 2;
    if (matched) ++drawn.matched.bits[basis], drawn.matched.errors[basis] += u < wrong ? 1 : 0, drawn.qber += wrong;
    auto& where = u < wrong ? drawn.disclosed.different : drawn.disclosed.same;
    if (!matched || basis == 1 || coin < options_.sample_share) ++where[basis][sent / 2];
  }

  LinkOptions options_;
  std::uint64_t seed_;
  CounterStream drift_;
  sim::Attack eve_;
  Rotation fibre_, whole_ = Rotation::Identity();
  std::uint32_t number_ = 0;
};

/// A tracker that was calibrated on this link just now, and its plates.
struct TrackedStart {
  PolarisationTracker tracker;
  PlateAngles plates;
};
inline TrackerOptions tracker_options(const LinkOptions& link) {
  TrackerOptions options;
  options.stack = stack_of(link), options.habits.visibility = link.visibility;
  return options;
}
inline TrackedStart calibrated(const TrackedLink& link, const TrackerOptions& options) {
  const PlateAngles plates = compensate(options.stack, link.fibre(), {}).angles;
  return {PolarisationTracker(options, link.fibre(), 1e-4 * Eigen::Matrix3d::Identity(), plates), plates};
}
inline TrackedBlock verified(const DrawnBlock& drawn, const PlateAngles& plates, const LinkOptions& link) {
  return {Standing::verified, drawn.disclosed, plates, link.seconds};
}

}  // namespace nicol::calibration::test
