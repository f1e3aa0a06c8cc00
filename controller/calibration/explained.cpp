// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/explained.hpp"

#include <fmt/format.h>

#include "controller/calibration/statistics.hpp"

namespace nicol::calibration {
namespace {

constexpr double kUnlike = 2;         // of chi-squared, by its degrees: this light is no plates'
constexpr double kImprobable = 1e-6;  // chance that is worth a word

}  // namespace

Result<OpticsFit> explained(const Bench& bench, std::span<const ScanPoint> points, Report& report) {
  auto fit = fit_optics(stack_of(bench.own()), kAsSold, points);
  if (!fit)
    return Error{Code::exhausted, "the light tells neither states nor plates: is it polarised at all?", "", 0, {}};
  const std::string misfit = fmt::format("chi-squared {:.0f} of {} degrees of freedom", fit->chi_squared, fit->degrees);
  if (fit->chi_squared > kUnlike * fit->degrees)
    return Error{Code::refused,
                 fmt::format("no four states behind two quarter-wave plates and a half-wave plate between them change "
                             "like this light: {}",
                             misfit),
                 "",
                 0,
                 {}};
  if (chi_squared_tail(fit->chi_squared, fit->degrees) < kImprobable)
    report.warnings.push_back(fmt::format("states and plates do not explain all of the light: {}", misfit));
  return *std::move(fit);
}

}  // namespace nicol::calibration
