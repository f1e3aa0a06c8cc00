// SPDX-License-Identifier: Apache-2.0
// The plates before the receiver turn every linear polarisation by one and the same angle, a whole turn in steps: as if
// the analyser turned. Every detector's light of every state is a curve by itself.
#include "controller/calibration/visibility.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "controller/calibration/analyser_curve.hpp"
#include "controller/calibration/compensation.hpp"
#include "controller/calibration/plate_scan.hpp"
#include "controller/calibration/ratio_fit.hpp"
#include "controller/calibration/statistics.hpp"

namespace nicol::calibration {
namespace {

constexpr int kAngles = 13;              // a turn on the sphere; no two are a quarter of it apart
constexpr std::uint64_t kEach = 25'000;  // clicks an angle: visibility of a basis to 0.001
constexpr double kLimitRisk = 0.1;       // of both sides: the lower limit is of 95 %
constexpr double kImprobable = 1e-6;     // chance that is worth a word
constexpr double kSure = 4.5;            // standard deviations that are worth a word
constexpr double kPoor = 0.9;            // visibility that is worth a word
constexpr std::array<std::string_view, 2> kBases{"rectilinear", "diagonal"};

using Curves = std::array<std::array<std::vector<CurvePoint>, 4>, 4>;  // [sent][detector]

Result<Curves> turn_the_analyser(Bench& bench, const PlateAngles& aligned) {
  const PlateStack stack = stack_of(bench.own());
  const Rotation fibre = rotation(stack, aligned).transpose();  // the plates undo it as they stand
  Curves curves;
  PlateAngles now = aligned;
  for (int k = 0; k < kAngles; ++k) {
    if (auto step = bench.step(fmt::format("analyser angle {} of {}", k + 1, kAngles)); !step)
      return std::move(step).error();
    const double phase = 2 * std::numbers::pi * k / kAngles;
    now = compensate(stack, fibre * turn({0, 0, -phase}), now).angles;
    if (auto turned = bench.turn_plates(now); !turned) return std::move(turned).error();
    const auto here = look_here(bench, kEach);
    if (!here) return here.error();
    for (std::size_t s = 0; s < 4; ++s)
      for (std::size_t d = 0; d < 4; ++d)
        curves[s][d].push_back({phase, static_cast<double>(here->point.seen[s][d]), here->slots / 4});
  }
  return curves;
}

struct Basis {
  Estimate visibility;  // mean of its two detectors and all states
  double chi_squared = 0;
  int degrees = 0;
};

Result<std::array<Basis, 2>> fit_curves(const Curves& curves, Report& report) {
  std::array<Basis, 2> bases{};
  for (std::size_t s = 0; s < 4; ++s)
    for (std::size_t d = 0; d < 4; ++d) {
      const auto fit = fit_analyser(curves[s][d]);
      if (!fit)
        return Error{Code::exhausted, "too little light for a curve of every state in every detector", "", 0, {}};
      report.fitted.push_back({fmt::format("visibility.{}.{}.detector-{}", kBases[s / 2], s % 2, d),
                               fit->visibility.value, fit->visibility.error, "1"});
      Basis& basis = bases[d / 2];
      basis.visibility.value += fit->visibility.value / 8;
      basis.visibility.error = std::hypot(basis.visibility.error, fit->visibility.error / 8);
      basis.chi_squared += fit->chi_squared, basis.degrees += fit->degrees;
    }
  return bases;
}

/// What the fit of a rotation made of the same link.
void compare(std::string_view name, const Estimate& seen, const Report* last, Report& report) {
  if (last == nullptr) return;
  const auto said = std::ranges::find(last->fitted, fmt::format("contrast.{}", name), &Fitted::name);
  if (said == last->fitted.end()) return;
  const double miss = seen.value - said->value;
  report.fitted.push_back(
      {fmt::format("visibility.{}.less_contrast", name), miss, std::hypot(seen.error, said->error), "1"});
  if (std::abs(miss) > kSure * std::hypot(seen.error, said->error))
    report.warnings.push_back(
        fmt::format("the {} basis shows a visibility of {:.4f} where the compensation's fit had a "
                    "contrast of {:.4f}: has the fibre turned since?",
                    name, seen.value, said->value));
}

void write_up(std::string_view name, const Basis& basis, const Report* last, Report& report) {
  const auto& [value, error] = basis.visibility;
  report.fitted.push_back({fmt::format("visibility.{}", name), value, error, "1"});
  report.fitted.push_back(
      {fmt::format("visibility.{}.lower", name), value - normal_quantile(kLimitRisk) * error, 0, "1"});
  compare(name, basis.visibility, last, report);
  if (value < kPoor)
    report.warnings.push_back(
        fmt::format("the {} basis shows a visibility of {:.3f} only: waveplates and polarisation first", name, value));
  if (chi_squared_tail(basis.chi_squared, basis.degrees) < kImprobable)
    report.warnings.push_back(
        fmt::format("the curves of the {} basis are no cosines: chi-squared {:.0f} of {} degrees "
                    "of freedom",
                    name, basis.chi_squared, basis.degrees));
}

Result<void> run(Bench& bench, Report& report) {
  const auto aligned = bench.plate_angles();
  if (!aligned) return aligned.error();
  const auto curves = turn_the_analyser(bench, *aligned);
  if (!curves) return curves.error();
  if (auto step = bench.step("back and fit"); !step) return step;
  if (auto back = bench.turn_plates(*aligned); !back) return back;
  const auto bases = fit_curves(*curves, report);
  if (!bases) return bases.error();
  for (std::size_t b = 0; b < 2; ++b) write_up(kBases[b], (*bases)[b], bench.last_record("polarisation"), report);
  report.not_determined.push_back("circular light: the analyser turns in the plane of linear polarisations alone");
  return {};
}

}  // namespace

Routine visibility() {
  return {"visibility",
          "errors that no compensation takes away come of what is not polarised, of leaks and of dark counts",
          {"waveplates", "polarisation"},
          kAngles + 1,
          run,
          {{"visibility.rectilinear", "1"},
           {"visibility.rectilinear.lower", "1"},
           {"visibility.rectilinear.less_contrast", "1"},
           {"visibility.rectilinear.*.detector-*", "1"},
           {"visibility.diagonal", "1"},
           {"visibility.diagonal.lower", "1"},
           {"visibility.diagonal.less_contrast", "1"},
           {"visibility.diagonal.*.detector-*", "1"}},
          std::chrono::hours(24)};
}

}  // namespace nicol::calibration
