// SPDX-License-Identifier: Apache-2.0
#include "sim/devices/channel.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "sim/devices/draws.hpp"
#include "sim/optics/analyser.hpp"

namespace nicol::sim {
namespace {

constexpr double kDriftStep = 0.01;  // seconds
constexpr double kFadingSteps = 16;  // a fading time
constexpr double kRadians = std::numbers::pi / 180;

double step_seconds(const Scenario::Channel& c) {
  double step = std::numeric_limits<double>::infinity();
  if (c.drift_deg_per_sqrt_s > 0 || (c.jump_per_s > 0 && c.jump_deg != 0)) step = kDriftStep;
  if (c.fading_sigma > 0) step = std::min(step, c.fading_time_s / kFadingSteps);
  return step;
}

Eigen::Vector3d normal_vector(CounterStream& stream) {
  const double x = draw_normal(stream), y = draw_normal(stream), z = draw_normal(stream);
  return {x, y, z};
}

}  // namespace

Channel::Channel(const Scenario::Channel& channel, std::uint64_t seed, NodeId node)
    : model_(channel),
      seed_(seed),
      node_(node),
      rotation_(sphere_rotation(Eigen::Vector3d(Eigen::Vector3d(channel.rotation_deg.data()) * kRadians))) {
  const double step = step_seconds(channel);
  if (std::isfinite(step)) step_length_ = std::max<std::int64_t>(1, Picoseconds::seconds(step).count);
  CounterStream first({seed, node, Purpose::sim_channel, 0});
  fading_ = draw_normal(first);
}

void Channel::advance(Picoseconds t) {
  if (step_length_ == 0) return;
  while (t >= constant_until()) take_step();
}

Picoseconds Channel::constant_until() const {
  if (step_length_ == 0) return {std::numeric_limits<std::int64_t>::max()};
  return {step_length_ * static_cast<std::int64_t>(step_ + 1)};
}

void Channel::take_step() {
  CounterStream stream({seed_, node_, Purpose::sim_channel, ++step_});
  const double seconds = static_cast<double>(step_length_) * 1e-12;
  const Eigen::Vector3d walk = normal_vector(stream);
  const double memory = std::exp(-seconds / model_.fading_time_s);
  fading_ = memory * fading_ + std::sqrt(1 - memory * memory) * draw_normal(stream);
  if (model_.drift_deg_per_sqrt_s > 0)
    rotation_ = sphere_rotation(Eigen::Vector3d(walk * (model_.drift_deg_per_sqrt_s * kRadians * std::sqrt(seconds)))) *
                rotation_;
  if (stream.uniform() < -std::expm1(-model_.jump_per_s * seconds))
    rotation_ =
        sphere_rotation(Eigen::Vector3d(normal_vector(stream).normalized() * (model_.jump_deg * kRadians))) * rotation_;
}

double Channel::transmittance() const {
  const double mean = sim::transmittance(Decibels{model_.loss_db});
  if (model_.fading_sigma == 0) return mean;
  const double sigma = model_.fading_sigma;
  return std::min(1.0, mean * std::exp(sigma * fading_ - sigma * sigma / 2));
}

}  // namespace nicol::sim
