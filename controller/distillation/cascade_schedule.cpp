// SPDX-License-Identifier: Apache-2.0
// Block sizes of Cascade's first pass, from the expected QBER and from what the pass itself shows.
#include "controller/distillation/cascade_schedule.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace nicol::distillation::detail {

std::uint32_t first_block(double expected_qber, std::uint32_t bits, const CascadeSchedule& schedule) {
  const double rate = std::clamp(expected_qber, 1.0 / (static_cast<double>(bits) + 1.0), 0.5);
  const double wanted = std::exp2(std::round(std::log2(schedule.first / rate)) + 1.0);
  const std::uint32_t most = std::bit_ceil(std::max(bits, 2u)) / 2;
  return std::max(2u, static_cast<std::uint32_t>(std::min(wanted, static_cast<double>(most))));
}

double measured_rate(double expected_qber, const BlockCount& blocks) {
  constexpr double kWeight = 200, kStep = 1.05, kLowest = 1e-7;
  const double errors = kWeight * expected_qber + 0.5, correct = kWeight * (1 - expected_qber) + 0.5;
  const auto odd = static_cast<double>(blocks.odd), even = static_cast<double>(blocks.all - blocks.odd);
  double sum = 0, mean = 0, peak = -INFINITY;
  for (double rate = kLowest; rate < 0.5; rate *= kStep) {  // log-spaced, so the prior's 1/q is already in the step
    const double odd_share = -std::expm1(blocks.size * std::log1p(-2 * rate)) / 2;
    const double weight = errors * std::log(rate) + (correct - 1) * std::log1p(-rate) + odd * std::log(odd_share) +
                          even * std::log1p(-odd_share);
    if (weight > peak) {
      const double shrink = std::exp(peak - weight);
      sum *= shrink, mean *= shrink, peak = weight;
    }
    sum += std::exp(weight - peak);
    mean += rate * std::exp(weight - peak);
  }
  return mean / sum;
}

bool too_coarse(double expected_qber, const BlockCount& blocks, const CascadeSchedule& schedule) {
  const double one_rounding_step_up = schedule.first * std::sqrt(2.0);
  return blocks.size > 2 && measured_rate(expected_qber, blocks) * blocks.size > one_rounding_step_up;
}

}  // namespace nicol::distillation::detail
