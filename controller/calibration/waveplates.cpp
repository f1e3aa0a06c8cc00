// SPDX-License-Identifier: Apache-2.0
// Each plate turns once around and back while the others stand; one fit of everything explains all the light.
#include "controller/calibration/waveplates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "controller/calibration/explained.hpp"
#include "controller/calibration/loss_fit.hpp"
#include "controller/calibration/repeatability.hpp"
#include "controller/calibration/statistics.hpp"

namespace nicol::calibration {
namespace {

constexpr std::uint64_t kEach = 14'000;  // clicks a mark: axes to 0.05 degrees, everything else as unknown
constexpr double kDegrees = 180 / std::numbers::pi;
constexpr double kImprobable = 1e-6;     // chance that is worth a word
constexpr double kSure = 4.5;            // standard deviations that are worth a word
constexpr double kLoss = 0.005;          // of the light: a loss worth a word
constexpr double kVague = 1 / kDegrees;  // an axis that is known no better has a word of its own
constexpr double kLimitRisk = 0.05;

std::vector<ScanPoint> points_of(std::span<const ScanLook> looks) {
  std::vector<ScanPoint> all;
  for (const ScanLook& look : looks) all.push_back(look.point);
  return all;
}

class WriteUp {
 public:
  WriteUp(const Bench& bench, const OpticsFit& fit, Report& report)
      : rig_(&bench.own()), fit_(&fit), report_(&report) {}

  void plates() {
    for (std::size_t i = 0; i < 3; ++i) {
      const hal::CompensatorPlate& plate = rig_->compensator[i];
      // An axis that stands further on than believed has its zero further back on the scale.
      const Estimate offset = fit_->estimate([i](const Optics& o) { return -o.offset[i]; });
      const Estimate waves =
          fit_->estimate([i](const Optics& o) { return o.stack.retardance[i] / (2 * std::numbers::pi); });
      const double axis = wrapped(plate.fast_axis_offset.degrees() + offset.value * kDegrees);
      say(plate.role + ".fast_axis_offset", {axis, offset.error * kDegrees}, "deg");
      say(plate.role + ".retardance", waves, "waves");
      report_->result[plate.role + ".fast_axis_offset_deg"] = axis;
      report_->result[plate.role + ".retardance_waves"] = waves.value;
      if (offset.error > kVague)
        report_->not_determined.push_back(fmt::format(
            "where the axis of {} alone is: the half-wave plate turns with it ({:.1f} degrees one way or the other)",
            plate.role, offset.error * kDegrees));
    }
    const Estimate together = fit_->estimate([](const Optics& o) { return o.offset[0] / 2 - o.offset[1]; });
    say(rig_->compensator[1].role + ".axis_less_half_of_" + rig_->compensator[0].role,
        {wrapped(rig_->compensator[1].fast_axis_offset.degrees() - rig_->compensator[0].fast_axis_offset.degrees() / 2 +
                 together.value * kDegrees),
         together.error * kDegrees},
        "deg");
    report_->not_determined.push_back(
        "which axes are the fast ones: with all plates and all states mirrored every count is the same");
  }
  void receiver() {
    say("receiver.bases", degrees([](const Optics& o) { return std::numbers::pi / 4 - o.skew / 2; }), "deg");
    for (std::size_t b = 0; b < 2; ++b)
      say(b == 0 ? "receiver.ellipticity.rectilinear" : "receiver.ellipticity.diagonal",
          degrees([b](const Optics& o) { return o.ellipticity[b] / 2; }), "deg");
  }
  void mounts(std::span<const ScanPoint> points) {
    for (std::size_t i = 0; i < 3; ++i) {
      const std::string& role = rig_->compensator[i].role;
      const Estimate play = degrees([i](const Optics& o) { return o.play[i]; });
      say(role + ".backlash", play, "deg");
      // Two numbers are of this turn alone: the offset and the play.
      const auto turned = stops(fit_->optics, i, points.subspan(i * points.size() / 3, points.size() / 3));
      const Scatter scatter = scatter_of(turned, 2, kLimitRisk);
      say(role + ".repeatability.upper", {scatter.upper * kDegrees, 0}, "deg");
      if (chi_squared_tail(scatter.chi_squared, scatter.degrees) < kImprobable)
        warn(fmt::format("{} stops beside where it says it does, by up to {:.2f} degrees", role,
                         scatter.upper * kDegrees));
      const auto* stage = rig_->find<hal::RotationStage>(role);
      if (std::abs(play.value) > kSure * play.error && stage != nullptr && stage->axis().backlash == Angle{})
        warn(fmt::format("{} has {:.2f} degrees of play that its driver does not allow for", role, play.value));
    }
  }
  void losses(const LossFit& loss) {
    for (std::size_t i = 0; i < 3; ++i) {
      const std::string& role = rig_->compensator[i].role;
      say(role + ".wedge", loss.amplitude[i][0], "1");
      for (const std::size_t k : {1U, 2U})
        if (const Estimate& more = loss.amplitude[i][k]; more.value > kLoss && more.value > kSure * more.error)
          warn(fmt::format("light is lost {} times a turn of {} ({:.1f} %): the loss hangs on polarisation", 2 * k,
                           role, 100 * more.value));
    }
  }

 private:
  static double wrapped(double degrees) {
    const double a = std::fmod(degrees, 180.0);
    return a < 0 ? a + 180 : a;
  }
  Estimate degrees(const std::function<double(const Optics&)>& radians) const {
    const Estimate e = fit_->estimate(radians);
    return {e.value * kDegrees, e.error * kDegrees};
  }
  void say(std::string name, const Estimate& e, std::string unit) {
    report_->fitted.push_back({std::move(name), e.value, e.error, std::move(unit)});
  }
  void warn(std::string what) { report_->warnings.push_back(std::move(what)); }
  const hal::Rig* rig_;
  const OpticsFit* fit_;
  Report* report_;
};

Result<void> run(Bench& bench, Report& report) {
  const auto looks = turn_every_plate(bench, kEach);
  if (!looks) return looks.error();
  if (auto step = bench.step("fit"); !step) return step;
  const auto points = points_of(*looks);
  const auto fit = explained(bench, points, report);
  if (!fit) return fit.error();
  WriteUp write(bench, *fit, report);
  write.plates();
  write.receiver();
  write.mounts(points);
  if (const auto loss = fit_loss(*looks)) write.losses(*loss);
  return {};
}

}  // namespace

Routine waveplates() {
  return {"waveplates",
          "a plate's axis is not where its mount has its zero, nor is a half-wave plate quite a half",
          {"delays"},
          7,
          run,
          {{"compensator-*.fast_axis_offset", "deg"},
           {"compensator-*.retardance", "waves"},
           {"compensator-*.axis_less_half_of_compensator-*", "deg"},
           {"receiver.bases", "deg"},
           {"receiver.ellipticity.rectilinear", "deg"},
           {"receiver.ellipticity.diagonal", "deg"},
           {"compensator-*.backlash", "deg"},
           {"compensator-*.repeatability.upper", "deg"},
           {"compensator-*.wedge", "1"}},
          std::chrono::hours(720)};
}

}  // namespace nicol::calibration
