// SPDX-License-Identifier: Apache-2.0
// Three settings tell the fibre and the mounts; a formula gives the setting that undoes them; what is seen there is one
// more setting for the fit.
#include "controller/calibration/polarisation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "controller/calibration/compensation.hpp"
#include "controller/calibration/known_light.hpp"
#include "controller/calibration/plate_scan.hpp"

namespace nicol::calibration {
namespace {

constexpr std::uint64_t kEach = 25'000;  // detections a setting: angles to half a degree on the sphere
constexpr double kGoodEnough = 0.004;    // of contrast: less is not worth a refinement
constexpr double kLeast = 0.97;          // of the contrast that the optics allow: less is a failure
constexpr double kSure = 8;              // log-likelihood by which a rival must be worse
constexpr int kRefinements = 2;
constexpr std::uint64_t kMostMoves = 12;
/// Degrees from where the plates stand: far enough apart that no channel and no offset is left in doubt.
constexpr std::array<std::array<double, 3>, 4> kSettings{{{0, 0, 0}, {35, 20, 50}, {70, -30, 10}, {10, 50, -40}}};

PlateAngles moved(const PlateAngles& from, const std::array<double, 3>& degrees) {
  PlateAngles to = from;
  for (std::size_t i = 0; i < 3; ++i) to[i] = to[i] + Angle::degrees(degrees[i]);
  return to;
}

Result<SettingCounts> look(Bench& bench, const PlateAngles& angles) {
  if (auto turned = bench.turn_plates(angles); !turned) return std::move(turned).error();
  auto light = shine(bench, {kEach, 30, 0.5});
  if (!light) return std::move(light).error();
  return SettingCounts{angles, light->in_gate};
}

/// What is left of each basis's contrast at these mount angles.
std::array<double, 2> left_at(const PlateAngles& mounts, const PlateStack& stack, const std::array<double, 3>& offset,
                              const Rotation& channel) {
  PlateAngles axes = mounts;
  for (std::size_t i = 0; i < 3; ++i) axes[i] = axes[i] + Angle::radians(offset[i]);
  const Rotation whole = rotation(stack, axes) * channel;
  return {whole(0, 0), whole(1, 1)};
}
double worse(const std::array<double, 2>& contrast) { return std::min(contrast[0], contrast[1]); }

/// Another explanation, as likely, by which this setting would be wrong.
bool ambiguous(const StackFit& fit, const PlateAngles& mounts) {
  return std::ranges::any_of(fit.rivals, [&](const Rival& r) {
    return r.margin < kSure && worse(left_at(mounts, r.stack, r.offset, r.channel)) < kLeast;
  });
}

struct Answer {
  StackFit fit;
  PlateAngles mounts;
  std::array<double, 2> contrast{};  // that the plates can leave
};

std::optional<Answer> answer(const PlateStack& stack, std::span<const SettingCounts> seen) {
  auto fit = fit_stack(stack, kAsSold, seen);
  if (!fit) return std::nullopt;
  const Compensation c = compensate(fit->stack, fit->channel, fit->axes(seen.back().angles));
  return Answer{*fit, fit->mounts(c.angles), c.contrast};
}

/// Enough settings that one explanation is left.
Result<Answer> determine(Bench& bench, const PlateAngles& start, std::vector<SettingCounts>& seen) {
  const PlateStack stack = stack_of(bench.own());
  for (std::size_t i = 0; i < kSettings.size(); ++i) {
    if (auto step = bench.step(fmt::format("light through setting {} of the plates", i + 1)); !step)
      return std::move(step).error();
    auto here = look(bench, moved(start, kSettings[i]));
    if (!here) return std::move(here).error();
    seen.push_back(*here);
    if (seen.size() < 3) continue;
    if (auto a = answer(stack, seen); a && !ambiguous(a->fit, a->mounts)) return *std::move(a);
  }
  return Error{Code::exhausted,
               "these settings leave more than one explanation of the light: is it polarised at all?",
               "",
               0,
               {}};
}

/// Share of clicks in the right detector less the wrong, of each basis, as light of that basis shows it.
std::array<Estimate, 2> visibility(const StateTable& t) {
  std::array<Estimate, 2> all;
  for (std::size_t b = 0; b < 2; ++b) {
    const auto right = static_cast<double>(t[2 * b][2 * b] + t[2 * b + 1][2 * b + 1]);
    const auto wrong = static_cast<double>(t[2 * b][2 * b + 1] + t[2 * b + 1][2 * b]);
    const double n = std::max(right + wrong, 1.0), v = (right - wrong) / n;
    all[b] = {v, std::sqrt(std::max(1 - v * v, 1 / n) / n)};
  }
  return all;
}

void write_up(const Answer& a, const StateTable& at_the_end, const hal::Rig& rig, Report& report) {
  const auto fitted = [&](std::string name, const Estimate& e) {
    report.fitted.push_back({std::move(name), e.value, e.error, "1"});
  };
  const auto seen = visibility(at_the_end);
  fitted("visibility.rectilinear", seen[0]);
  fitted("visibility.diagonal", seen[1]);
  fitted("contrast.rectilinear", a.fit.contrast[0]);
  fitted("contrast.diagonal", a.fit.contrast[1]);
  fitted("efficiency_ratio.rectilinear", a.fit.gain[0]);
  fitted("efficiency_ratio.diagonal", a.fit.gain[1]);
  for (std::size_t i = 0; i < 3; ++i) {
    const hal::CompensatorPlate& plate = rig.compensator[i];
    report.result[plate.role + ".mount_deg"] = (a.mounts[i] + plate.fast_axis_offset).degrees();
    // One explanation of several: good for turning on from here, as tracking does, and told to no rig.
    report.result[plate.role + ".seen_axis_deg"] = (plate.fast_axis_offset - Angle::radians(a.fit.offset[i])).degrees();
    report.result[plate.role + ".seen_retardance_waves"] = a.fit.stack.retardance[i] / (2 * std::numbers::pi);
  }
  report.not_determined.push_back(
      "where the axes of the plates are: several positions of all three with as many channels look alike");
}

Result<void> run(Bench& bench, Report& report) {
  const auto start = bench.plate_angles();
  if (!start) return start.error();
  std::vector<SettingCounts> seen;
  auto found = determine(bench, *start, seen);
  if (!found) return std::move(found).error();
  Answer best = *std::move(found);
  for (int i = 0;; ++i) {
    if (auto step = bench.step(i == 0 ? "compensate and look" : fmt::format("refinement {}", i)); !step) return step;
    auto here = look(bench, best.mounts);
    if (!here) return std::move(here).error();
    seen.push_back(*here);
    const auto better = answer(stack_of(bench.own()), seen);
    if (!better) return Error{Code::exhausted, "the light at the compensated setting explains nothing", "", 0, {}};
    const double now = worse(left_at(here->angles, better->fit.stack, better->fit.offset, better->fit.channel));
    const bool enough = worse(better->contrast) - now < kGoodEnough;
    if (enough || i == kRefinements || bench.moves() + 3 > kMostMoves) {
      best = *better, best.mounts = here->angles;
      if (now < kLeast)
        return Error{Code::refused,
                     fmt::format("only {:.1f} % of the contrast that these optics allow is reached", 100 * now),
                     "",
                     0,
                     {}};
      break;
    }
    best = *better;
  }
  write_up(best, seen.back().seen, bench.own(), report);
  return {};
}

}  // namespace

Routine polarisation() {
  return {"polarisation",
          "a fibre turns polarisation anyhow; the plates before the receiver turn it back",
          {},
          6,
          run,
          {{"visibility.rectilinear", "1"},
           {"visibility.diagonal", "1"},
           {"contrast.rectilinear", "1"},
           {"contrast.diagonal", "1"},
           {"efficiency_ratio.rectilinear", "1"},
           {"efficiency_ratio.diagonal", "1"}},
          std::chrono::hours(1)};  // a fibre in a building walks about a radian in a square root of an hour
}

}  // namespace nicol::calibration
