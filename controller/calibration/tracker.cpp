// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/tracker.hpp"

#include <algorithm>
#include <cmath>

#include "controller/calibration/compensation.hpp"

namespace nicol::calibration {
namespace {

constexpr double kHour = 3600;
constexpr unsigned kLongestRest = 5;  // blocks, of plates that do not follow

/// Of all plates together.
Angle way(const PlateAngles& from, const PlateAngles& to) {
  Angle sum;
  for (std::size_t i = 0; i < from.size(); ++i) sum = sum + Angle::radians(std::abs((to[i] - from[i]).radians()));
  return sum;
}

bool arrived_at(const PlateAngles& sent, const PlateAngles& there, Angle tolerance) {
  for (std::size_t i = 0; i < sent.size(); ++i)
    if (std::abs((there[i] - sent[i]).radians()) > tolerance.radians()) return false;
  return true;
}

}  // namespace

Agreements agreements(const sifting::Mismatched& mismatched, const std::array<std::uint64_t, 2>& disclosed,
                      const std::array<std::uint64_t, 2>& errors) {
  Agreements seen;
  for (std::size_t basis = 0; basis < 2; ++basis) {
    seen.same[basis][basis] = disclosed[basis] - errors[basis], seen.different[basis][basis] = errors[basis];
    seen.same[1 - basis][basis] = mismatched.same[basis],
                  seen.different[1 - basis][basis] = mismatched.different[basis];
  }
  return seen;
}

PolarisationTracker::PolarisationTracker(const TrackerOptions& options, const Rotation& fibre,
                                         const Eigen::Matrix3d& covariance, const PlateAngles& now)
    : options_(options), samples_(options.habits, fibre, covariance, options.samples, options.seed), reached_(now) {
  last_.plates = now;
}

NextSetting PolarisationTracker::next(const TrackedBlock& block) {
  unseen_seconds_ += block.seconds;
  if (block.standing == Standing::unverified) return last_;
  samples_.update(block.seen, rotation(options_.stack, block.setting), unseen_seconds_);
  unseen_seconds_ = 0;
  judge(block.seen);
  last_.plates = allowed(block.setting, wanted(block));
  return last_;
}

/// Excess: the block's own errors show it, and so does what is left of the plane under any rotation.
void PolarisationTracker::judge(const Agreements& seen) {
  const auto count = static_cast<double>(samples_.all().size());
  const double optics = options_.habits.visibility;
  double beyond = 0;
  last_.excess_qber = last_.walk = 0;
  for (const Hypothesis& h : samples_.all()) {
    const double excess = (optics - h.shrinking.mean) / 2;
    last_.excess_qber += excess / count, last_.walk += h.walk / count;
    if (excess > options_.excess) beyond += 1 / count;
  }
  last_.excess_alarm =
      beyond >= options_.certainty && qber_of(observed(seen).value) - (1 - optics) / 2 > options_.excess;
}

/// Where the plates should go. Plates that did not arrive go back to where they last did: turning the others alone
/// would make a rotation that nobody asked for.
PlateAngles PolarisationTracker::wanted(const TrackedBlock& block) {
  last_.dither_qber = last_.doubt_qber = 0;
  last_.not_following = !arrived_at(last_.plates, block.setting, options_.reached);
  if (last_.not_following) {
    rest_ = rests_ = std::min(2 * rests_ + 1, kLongestRest);
    return reached_;
  }
  if (rest_ > 0) return --rest_, reached_;
  if (!arrived_at(reached_, block.setting, options_.reached)) rests_ = 0;
  reached_ = block.setting;
  const Outlook outlook{observed(block.seen).variance, block.seconds / kHour, options_.blocks_ahead};
  const Choice choice =
      choose_compensator(samples_.all(), rotation(options_.stack, block.setting), options_.largest_step, outlook);
  last_.dither_qber = choice.dither, last_.doubt_qber = choice.doubt;
  return compensate(options_.stack, choice.compensator.transpose(), block.setting).angles;
}

PlateAngles PolarisationTracker::allowed(const PlateAngles& from, const PlateAngles& to) {
  const Angle after = travelled_ + way(from, to);
  last_.travel_spent = last_.travel_spent || after > options_.travel;
  if (last_.travel_spent) return from;
  travelled_ = after;
  return to;
}

}  // namespace nicol::calibration
