// SPDX-License-Identifier: Apache-2.0
// Light through settings of the plates that look at the sphere from all sides, and one fit of states and plates
// together: nothing is believed of the plates but their mounts' scales.
#include "controller/calibration/tomography.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "controller/calibration/explained.hpp"
#include "controller/calibration/four_states.hpp"

namespace nicol::calibration {
namespace {

constexpr std::uint64_t kEach = 80'000;  // clicks a setting: overlaps of two states to 0.004
constexpr int kSettings = 16, kParts = 4;
constexpr double kRisk = 1e-3;                     // of what the key length rests on
constexpr double kOutside = std::numbers::pi / 4;  // delta of bases that are one: no key
constexpr std::array<std::string_view, 4> kNames{"rectilinear.0", "rectilinear.1", "diagonal.0", "diagonal.1"};

/// Half turns of each plate, evenly and never in step with one another (Roberts' sequence; the last plate in order).
PlateAngles setting(const PlateAngles& start, int k) {
  constexpr double kHalf = 180;
  const auto part = [](double x) { return kHalf * (x - std::floor(x)); };
  return {start[0] + Angle::degrees(part(k * 0.7548776662)), start[1] + Angle::degrees(part(k * 0.5698402910)),
          start[2] + Angle::degrees(kHalf * k / kSettings)};
}

Result<PlateAngles> mounts_of(Bench& bench) {
  if (const auto angles = bench.plate_angles(); !angles) return angles.error();
  PlateAngles all{};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto one = bench.mount(i);
    if (!one) return one.error();
    all[i] = *one;
  }
  return all;
}

Result<std::vector<ScanPoint>> look_from_all_sides(Bench& bench, const PlateAngles& start) {
  std::vector<ScanPoint> seen;
  for (int k = 0; k < kSettings; ++k) {
    if (k % (kSettings / kParts) == 0)
      if (auto step = bench.step(fmt::format("light, part {} of {}", 1 + k * kParts / kSettings, kParts)); !step)
        return std::move(step).error();
    const PlateAngles there = setting(start, k);
    for (std::size_t i = 0; i < 3; ++i)
      if (auto turned = bench.turn_plate(i, there[i]); !turned) return std::move(turned).error();
    auto here = look_here(bench, kEach);
    if (!here) return std::move(here).error();
    seen.push_back(here->point);
  }
  return seen;
}

void write_up(const Preparation& p, Report& report) {
  for (std::size_t i = 0; i < 4; ++i)
    report.fitted.push_back({fmt::format("fidelity.{}", kNames[i]), p.fidelity[i].value, p.fidelity[i].error, "1"});
  report.fitted.push_back({"fidelity", p.mean_fidelity.value, p.mean_fidelity.error, "1"});
  for (std::size_t i = 0; i < 4; ++i)
    report.fitted.push_back(
        {fmt::format("overlap.{}.{}", kNames[i / 2], kNames[2 + i % 2]), p.overlap[i].value, p.overlap[i].error, "1"});
  report.fitted.push_back({"averages_apart", p.average_apart, 0, "1"});
}

/// What the key length is told is a limit that nothing flatters.
void tell_preparation(const Preparation& p, Report& report) {
  double delta = preparation_error(p, kRisk);
  if (averages_differ(p, kRisk)) {
    report.warnings.push_back(fmt::format(
        "the states of the two bases differ in their average (by {:.4f} of the sphere's radius): preparation "
        "outside the proof, no key",
        p.average_apart));
    delta = kOutside;
  }
  report.fitted.push_back({"preparation_error.upper", delta * 180 / std::numbers::pi, 0, "deg"});
  report.result["model.preparation_error_rad"] = delta;
}

Result<void> run(Bench& bench, Report& report) {
  const auto start = mounts_of(bench);
  if (!start) return start.error();
  const auto angles = bench.plate_angles();
  if (!angles) return angles.error();
  const auto seen = look_from_all_sides(bench, *angles);
  if (!seen) return seen.error();
  for (std::size_t i = 0; i < 3; ++i)
    if (auto back = bench.turn_mount(i, (*start)[i]); !back) return back;
  if (auto step = bench.step("fit"); !step) return step;
  const auto fit = explained(bench, *seen, report);
  if (!fit) return fit.error();
  const Preparation p = prepared(*fit);
  write_up(p, report);
  tell_preparation(p, report);
  report.not_determined.push_back(
      "the states themselves, only how they stand to one another: the fibre turns all of them");
  report.not_determined.push_back(
      "whether the states or the polarisers are impure: all of it is charged to the states");
  report.not_determined.push_back("what an eavesdropper sends in place of the source while one measures");
  return {};
}

}  // namespace

Routine tomography() {
  return {"tomography",
          "bases that are not quite unbiased tell an eavesdropper more: the key pays for what the source really sends",
          {"delays"},
          kParts + 1,
          run,
          {{"fidelity", "1"},
           {"fidelity.rectilinear.*", "1"},
           {"fidelity.diagonal.*", "1"},
           {"overlap.rectilinear.*.diagonal.*", "1"},
           {"averages_apart", "1"},
           {"preparation_error.upper", "deg"}},
          std::chrono::hours(24)};
}

}  // namespace nicol::calibration
