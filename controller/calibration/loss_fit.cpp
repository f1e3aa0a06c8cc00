// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/loss_fit.hpp"

#include <cmath>

#include "controller/calibration/poisson_fit.hpp"

namespace nicol::calibration {
namespace {

constexpr std::array<double, 3> kTimes{1, 2, 4};  // a turn
constexpr Eigen::Index kNumbers = 1 + 2 * 3 * 3;  // ln of the mean; cosine and sine of each plate and multiple

Eigen::Index place(std::size_t plate, std::size_t times) {
  return static_cast<Eigen::Index>(1 + 6 * plate + 2 * times);
}

double expected(const ScanLook& look, const Eigen::VectorXd& numbers) {
  double log = numbers[0];
  for (std::size_t plate = 0; plate < 3; ++plate)
    for (std::size_t k = 0; k < 3; ++k) {
      const double phase = kTimes[k] * look.mounts[plate].radians();
      log += numbers[place(plate, k)] * std::cos(phase) + numbers[place(plate, k) + 1] * std::sin(phase);
    }
  return look.slots * std::exp(log);
}

Estimate amplitude(const CurveFit& fit, Eigen::Index at, double spread) {
  const Eigen::Vector2d both = fit.numbers.segment<2>(at);
  const double size = both.norm();
  const Eigen::Vector2d along = size > 0 ? Eigen::Vector2d(both / size) : Eigen::Vector2d(1, 0);
  return {size, spread * std::sqrt(along.dot(fit.covariance.block<2, 2>(at, at) * along))};
}

}  // namespace

std::optional<LossFit> fit_loss(std::span<const ScanLook> looks) {
  std::vector<CurveBin> bins;
  double counts = 0, slots = 0;
  for (const ScanLook& look : looks) {
    const auto here = static_cast<double>(total(look.point.seen));
    bins.push_back({static_cast<double>(bins.size()), here});
    counts += here, slots += look.slots;
  }
  if (counts == 0 || static_cast<Eigen::Index>(looks.size()) <= kNumbers) return std::nullopt;
  const Curve curve = [&](double x, const Eigen::VectorXd& n) {
    return expected(looks[static_cast<std::size_t>(x)], n);
  };
  Eigen::VectorXd start = Eigen::VectorXd::Zero(kNumbers);
  start[0] = std::log(counts / slots);
  const auto fit = fit_curve(bins, curve, start, Eigen::VectorXd::Constant(kNumbers, 1e-5));
  if (!fit) return std::nullopt;
  LossFit loss;
  loss.chi_squared = fit->chi_squared, loss.degrees = fit->degrees;
  const double spread = fit->degrees > 0 ? std::sqrt(std::max(1.0, fit->chi_squared / fit->degrees)) : 1;
  for (std::size_t plate = 0; plate < 3; ++plate)
    for (std::size_t k = 0; k < 3; ++k) loss.amplitude[plate][k] = amplitude(*fit, place(plate, k), spread);
  return loss;
}

}  // namespace nicol::calibration
