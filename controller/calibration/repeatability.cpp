// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/repeatability.hpp"

#include <algorithm>
#include <cmath>

#include "controller/calibration/statistics.hpp"

namespace nicol::calibration {
namespace {

constexpr double kStep = 1e-6;  // radians
constexpr int kBisections = 60;

/// One step of Fisher scoring in this angle alone.
Estimate stop(const Optics& optics, std::size_t plate, const ScanPoint& point) {
  ScanPoint there = point;
  there.angles[plate] = there.angles[plate] + Angle::radians(kStep);
  const auto p = chances(optics, point), q = chances(optics, there);
  double slope = 0, information = 0;
  for (std::size_t s = 0; s < 4; ++s)
    for (std::size_t b = 0; b < 2; ++b) {
      const auto zeros = static_cast<double>(point.seen[s][2 * b]),
                 ones = static_cast<double>(point.seen[s][2 * b + 1]);
      const double chance = p[s][b], g = (q[s][b] - chance) / kStep, weight = g / (chance * (1 - chance));
      slope += weight * (ones - (ones + zeros) * chance);
      information += (ones + zeros) * weight * g;
    }
  return information > 0 ? Estimate{slope / information, 1 / std::sqrt(information)} : Estimate{0, 1e9};
}

double chi_squared(std::span<const Estimate> stops, double scatter) {
  double sum = 0;
  for (const Estimate& s : stops) sum += s.value * s.value / (s.error * s.error + scatter * scatter);
  return sum;
}

}  // namespace

std::vector<Estimate> stops(const Optics& optics, std::size_t plate, std::span<const ScanPoint> points) {
  std::vector<Estimate> all;
  for (const ScanPoint& point : points) all.push_back(stop(optics, plate, point));
  return all;
}

Scatter scatter_of(std::span<const Estimate> stops, int fitted, double risk) {
  Scatter s{chi_squared(stops, 0), static_cast<int>(stops.size()) - fitted, 0};
  if (s.degrees < 1) return s;
  const double degrees = s.degrees;
  const auto excluded = [&](double scatter) { return gamma_p(degrees / 2, chi_squared(stops, scatter) / 2) < risk; };
  double low = 0, high = 1e-4;
  while (!excluded(high) && high < 10) high *= 2;
  for (int i = 0; i < kBisections; ++i) {
    const double middle = (low + high) / 2;
    (excluded(middle) ? high : low) = middle;
  }
  s.upper = high;
  return s;
}

}  // namespace nicol::calibration
