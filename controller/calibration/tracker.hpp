// SPDX-License-Identifier: Apache-2.0
// Keeps the polarisation compensated while keys flow: from the public counts of each block, the setting of the
// compensator for the next one. Pure: no device, no thread, no clock.
#pragma once

#include <cstdint>

#include "controller/calibration/track_choice.hpp"
#include "controller/calibration/track_samples.hpp"
#include "controller/sifting/sifting.hpp"

namespace nicol::calibration {

/// From what a block's report holds. Only slots whose bits both sides disclosed: those of mismatched bases (index:
/// Alice's basis), all bits of a basis that makes no key, the sample of one that does (index: the basis).
Agreements agreements(const sifting::Mismatched& mismatched, const std::array<std::uint64_t, 2>& disclosed,
                      const std::array<std::uint64_t, 2>& errors);

/// Verified: a one-time tag verified over every frame that the counts were made from (detection list, bases, mismatched
/// and sampled bits), and the plates' setting is known. It does not mean that key came of the block: one that ended for
/// its QBER, its tags good, is verified; one that made no tag, or whose plates moved in it, is not.
enum class Standing : std::uint8_t { unverified, verified };

struct TrackedBlock {
  Standing standing = Standing::unverified;
  Agreements seen;      // not looked at unless verified
  PlateAngles setting;  // as the plates reported it while the block was taken
  double seconds = 0;   // by this node's own clock, since the block before began
};

struct TrackerOptions {
  PlateStack stack;                     // retardances as measured
  ChannelHabits habits;                 // visibility: the calibration's
  double largest_step = 1.6;            // rad on the sphere, between two blocks
  Angle travel = Angle::degrees(1e6);   // of all plates together, since the tracker was made: wear
  Angle reached = Angle::degrees(0.5);  // a plate nearer to its setting than this has followed
  double blocks_ahead = 4;              // for how many blocks what a setting shows is worth something
  double excess = 0.01;                 // QBER, mean of both bases, that no rotation removes, before it is an alarm
  double certainty = 0.99;              // that it is so
  std::size_t samples = 1'000;
  std::uint64_t seed = 1;
};

/// QBERs are means of both bases, as expected of the next block.
struct NextSetting {
  PlateAngles plates;
  double dither_qber = 0;      // paid for what the setting shows
  double doubt_qber = 0;       // paid for what is not known
  double excess_qber = 0;      // above the calibrated optics, removed by no rotation: Eve's, and never subtracted
  double walk = 0;             // of the fibre as learned, rad per square root of an hour
  bool excess_alarm = false;   // "QBER excess that compensation did not remove"
  bool not_following = false;  // a plate did not go where it was sent: all go back and rest a while
  bool travel_spent = false;   // the plates rest for good: calibrate again
};

/// One a compensator, one thread. **What one can get wrong**: giving it a block as verified before its tags are; then
/// whoever holds the wire turns the plates.
class PolarisationTracker {
 public:
  /// From a calibration: the fibre's rotation, the covariance of its rotation vector (on the left, rad^2), and where
  /// the plates stand.
  PolarisationTracker(const TrackerOptions& options, const Rotation& fibre, const Eigen::Matrix3d& covariance,
                      const PlateAngles& now);
  /// Every block in order; what the plates are to do before the next one opens. Unverified: nothing.
  NextSetting next(const TrackedBlock& block);

 private:
  void judge(const Agreements& seen);
  PlateAngles wanted(const TrackedBlock& block);
  PlateAngles allowed(const PlateAngles& from, const PlateAngles& to);

  TrackerOptions options_;
  ChannelSamples samples_;
  NextSetting last_;
  PlateAngles reached_;            // the last setting at which all plates arrived
  double unseen_seconds_ = 0;      // of blocks that gave nothing
  unsigned rest_ = 0, rests_ = 0;  // blocks still to rest, and of the rest before
  Angle travelled_;
};

}  // namespace nicol::calibration
