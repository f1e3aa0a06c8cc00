// SPDX-License-Identifier: Apache-2.0
// What is known of the channel, as some thousand equally likely hypotheses that follow the blocks.
#pragma once

#include <random>
#include <vector>

#include "controller/calibration/track_model.hpp"

namespace nicol::calibration {

/// What may happen to a channel between two blocks.
struct ChannelHabits {
  /// rad per square root of an hour, each axis. Learned, from 1/32 of this to four times it; to begin with, this and
  /// every octave below are equally likely, so that a quiet fibre is soon left alone.
  double walk = 1;
  double jumps = 0.5;               // > 0, an hour, to anywhere: a door
  double intrusions = 0.5;          // > 0, an hour: something else begins, or ends, to shrink the plane
  double intruder = 0.15;           // standard deviation of what that does to a shrinking
  double visibility = 0.97;         // of the calibration: mean shrinking by the optics and the background alone
  double visibility_sigma = 0.005;  // of that, and of how unlike the two bases may be
  double wander = 0.02;             // of a shrinking, per square root of an hour
};

/// Importance sampling: each hypothesis moves to where the counts of the block, linearised about it, call it, is
/// weighted by the exact counts, and the lot is thinned to equally likely ones (Doucet, Godsill, Andrieu, Stat. Comput.
/// 10, 197 (2000), II.D). Deterministic: the same blocks give the same samples.
class ChannelSamples {
 public:
  /// About `calibrated`, with the covariance of its rotation vector (on the left, radians^2).
  ChannelSamples(const ChannelHabits& habits, const Rotation& calibrated, const Eigen::Matrix3d& covariance,
                 std::size_t count, std::uint64_t seed);
  /// A block of `seconds` since the last one began, seen behind `compensator`.
  void update(const Agreements& seen, const Rotation& compensator, double seconds);
  const std::vector<Hypothesis>& all() const { return samples_; }

 private:
  struct Weighted {
    Hypothesis hypothesis;
    double log_weight;
  };
  struct Block {
    const Agreements& seen;
    Observed observed;
    const Rotation& compensator;
    double hours;
  };
  struct Guide;
  Change draw();
  void propose(const Block& block, const Hypothesis& from, double shrinking_variance, double log_share);
  double other_pace(double walk);
  void propose_jumps(const Block& block, double log_share);
  void thin();

  ChannelHabits habits_;
  std::mt19937_64 draws_;
  std::vector<Hypothesis> samples_;
  std::vector<Weighted> proposed_;
};

}  // namespace nicol::calibration
