// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/track_samples.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>

namespace nicol::calibration {
namespace {

using Information = Eigen::Matrix<double, 6, 6>;
constexpr double kHour = 3600, kShortest = 1e-3;                       // s
constexpr double kAnywhere = 8 * std::numbers::pi * std::numbers::pi;  // volume of all rotations in rotation vectors
constexpr double kLoosest = 0.3;           // rad: how far a jump's proposals may spread where the counts leave it open
constexpr std::size_t kRareShare = 8;      // one in so many proposals is for each rare event
constexpr int kSlowest = 5, kFastest = 2;  // octaves below and above the configured walk
constexpr std::uint64_t kPaceChange = 48;  // twice in so many blocks
constexpr int kFitSteps = 12;

double log_normal(const Change& x, const Change& variance) {
  return -0.5 * (x.array().square() / variance.array()).sum() - 0.5 * variance.array().log().sum();
}

Change shrinkings(double rotation, double shrinking) {
  Change variance;
  variance << rotation, rotation, rotation, shrinking, shrinking, shrinking;
  return variance;
}

Change shrinking_from(const Hypothesis& h, double visibility) {
  Change x = Change::Zero();
  x.tail<3>() << h.shrinking.mean - visibility, h.shrinking.skew, h.shrinking.shear;
  return x;
}

}  // namespace

/// Where linearised counts call a hypothesis, and how surely: a Gaussian to draw from.
struct ChannelSamples::Guide {
  Change mean;
  Eigen::LLT<Information> root;  // of the inverse covariance

  Guide(const Block& block, const Hypothesis& from, const Change& before, const Change& variance) {
    const Eigen::Matrix<double, 4, 6> slope = slopes(from, block.compensator);
    const Eigen::Matrix<double, 6, 4> weighed = slope.transpose() * block.observed.variance.cwiseInverse().asDiagonal();
    Information information = weighed * slope;
    information.diagonal() += variance.cwiseInverse();
    root.compute(information);
    const Correlators miss = block.observed.value - correlators_of(arrived(from), block.compensator);
    mean = root.solve(weighed * miss - before.cwiseQuotient(variance));
  }
  Change away(const Change& normal) const { return root.matrixU().solve(normal); }
  double log_density(const Change& normal) const {
    const Information lower = root.matrixL();
    return -0.5 * normal.squaredNorm() + lower.diagonal().array().log().sum();
  }
};

ChannelSamples::ChannelSamples(const ChannelHabits& habits, const Rotation& calibrated,
                               const Eigen::Matrix3d& covariance, std::size_t count, std::uint64_t seed)
    : habits_(habits), draws_(seed) {
  const Eigen::Matrix3d root = covariance.llt().matrixL();
  samples_.reserve(count);
  while (samples_.size() < count) {
    Change x = draw();
    x.head<3>() = root * x.head<3>();
    x.tail<3>() *= habits.visibility_sigma;
    const auto paced = [&](std::size_t i) { return std::ldexp(habits.walk, -static_cast<int>(i % (kSlowest + 1))); };
    const Hypothesis h = changed({calibrated, {habits.visibility, 0, 0}, paced(samples_.size())}, x);
    if (physical(h.shrinking)) samples_.push_back(h);
  }
}

/// Six standard normal numbers (Box and Muller), the same with every standard library.
Change ChannelSamples::draw() {
  const auto uniform = [this] { return (static_cast<double>(draws_() >> 11) + 0.5) * 0x1.0p-53; };
  Change x;
  for (Eigen::Index i = 0; i < 6; i += 2) {
    const double length = std::sqrt(-2 * std::log(uniform())), angle = 2 * std::numbers::pi * uniform();
    x[i] = length * std::cos(angle), x[i + 1] = length * std::sin(angle);
  }
  return x;
}

void ChannelSamples::propose(const Block& block, const Hypothesis& from, double shrinking_variance, double log_share) {
  const Change variance = shrinkings(from.walk * from.walk * block.hours, shrinking_variance);
  const Guide guide(block, from, Change::Zero(), variance);
  const Change normal = draw(), x = guide.mean + guide.away(normal);
  const Hypothesis to = changed(from, x);
  if (!physical(to.shrinking)) return;
  const double fit = log_likelihood(block.seen, correlators_of(arrived(to), block.compensator));
  proposed_.push_back({to, log_share + log_normal(x, variance) + fit - guide.log_density(normal)});
}

/// A jump forgets the fibre: the two rotations behind the counts, each fitted with the optics' own shrinking.
void ChannelSamples::propose_jumps(const Block& block, double log_share) {
  const Change loose = shrinkings(kLoosest * kLoosest, habits_.visibility_sigma * habits_.visibility_sigma);
  const std::size_t each = std::max<std::size_t>(samples_.size() / kRareShare / 2, 1);
  for (const Rotation& fibre : rotations_behind(block.observed.value, block.compensator, habits_.visibility)) {
    Hypothesis h{fibre, {habits_.visibility, 0, 0}, samples_[samples_.size() / 2].walk};
    const auto guide = [&] { return Guide(block, h, shrinking_from(h, habits_.visibility), loose); };
    for (int i = 0; i < kFitSteps; ++i) h = changed(h, guide().mean);
    const Guide last = guide();
    for (std::size_t i = 0; i < each; ++i) {
      const Change normal = draw();
      const Hypothesis to = changed(h, last.away(normal));
      if (!physical(to.shrinking)) continue;
      Change off = shrinking_from(to, habits_.visibility);
      Change flat = loose;
      flat.head<3>().setOnes();  // no normal density over the rotation: uniform
      const double fit = log_likelihood(block.seen, correlators_of(arrived(to), block.compensator));
      proposed_.push_back({to, log_share - std::log(kAnywhere) + 1.5 * std::log(2 * std::numbers::pi) +
                                   log_normal(off, flat) + fit - last.log_density(normal) -
                                   std::log(2.0 * static_cast<double>(each))});
    }
  }
}

/// Now and then twice or half as fast.
double ChannelSamples::other_pace(double walk) {
  const std::uint64_t die = draws_() % kPaceChange;
  if (die > 1) return walk;
  return std::clamp(die == 0 ? walk * 2 : walk / 2, std::ldexp(habits_.walk, -kSlowest),
                    std::ldexp(habits_.walk, kFastest));
}

void ChannelSamples::update(const Agreements& seen, const Rotation& compensator, double seconds) {
  const Block block{seen, observed(seen), compensator, std::max(seconds, kShortest) / kHour};
  const double events = habits_.jumps + habits_.intrusions, none = -events * block.hours;
  const double log_event = std::log(-std::expm1(none) / events);  // of one that happens once an hour
  const auto all = static_cast<double>(samples_.size());
  const auto squared = [](double x) { return x * x; };
  proposed_.clear();
  for (Hypothesis& h : samples_) {
    h.walk = other_pace(h.walk);
    propose(block, h, squared(habits_.wander) * block.hours, none - std::log(all));
  }
  const double rare = log_event + std::log(habits_.intrusions / 2) - std::log(std::ceil(all / kRareShare));
  for (std::size_t i = 0; i < samples_.size(); i += kRareShare) {
    const Hypothesis plain{samples_[i].fibre, {habits_.visibility, 0, 0}, samples_[i].walk};
    propose(block, plain, squared(habits_.visibility_sigma), rare);
    propose(block, plain, squared(habits_.intruder), rare);
  }
  propose_jumps(block, log_event + std::log(habits_.jumps));
  thin();
}

/// Systematic resampling.
void ChannelSamples::thin() {
  double most = -std::numeric_limits<double>::infinity(), sum = 0;
  for (const Weighted& w : proposed_) most = std::max(most, w.log_weight);
  if (!std::isfinite(most)) return;  // no proposal was physical: what was known stays
  for (Weighted& w : proposed_) sum += w.log_weight = std::exp(w.log_weight - most);
  const std::size_t count = samples_.size();
  const double step = sum / static_cast<double>(count);
  samples_.clear();
  double reached = 0, next = step / 2;
  for (const Weighted& w : proposed_) {
    reached += w.log_weight;
    while (next < reached && samples_.size() < count) {
      samples_.push_back(w.hypothesis);
      next += step;
    }
  }
  while (samples_.size() < count) samples_.push_back(samples_.back());
}

}  // namespace nicol::calibration
