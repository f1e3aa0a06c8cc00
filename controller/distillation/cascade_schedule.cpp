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

bool too_coarse(std::uint32_t block, std::uint64_t odd_blocks, std::uint64_t blocks, const CascadeSchedule& schedule) {
  if (block <= 2) return false;
  const double odd_share = static_cast<double>(odd_blocks) / static_cast<double>(blocks);
  // One step of power-of-two rounding above the wanted mean; beyond 0.45 odd the estimate says only "too many".
  const double mean_limit = schedule.first * std::sqrt(2.0);
  const double saturated = 0.45;
  if (odd_share >= saturated) return true;
  const double rate = (1.0 - std::pow(1.0 - 2.0 * odd_share, 1.0 / block)) / 2.0;
  return rate * block > mean_limit;
}

}  // namespace nicol::distillation::detail
