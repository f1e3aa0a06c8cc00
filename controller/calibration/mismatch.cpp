// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/mismatch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/calibration/known_light.hpp"
#include "controller/calibration/ratio_fit.hpp"

namespace nicol::calibration {
namespace {

constexpr std::uint64_t kClicks =
    150'000;  // a part: D to 0.4 % (one standard deviation) in all, where polarisation is aligned
constexpr int kParts = 4;
constexpr double kSeconds = 10;
constexpr double kRisk = 1e-3;  // of the interval that the key length rests on
constexpr std::array<std::string_view, 2> kBases{"rectilinear", "diagonal"};

/// Clicks of each detector inside the gates that no light brought, from those outside of them.
std::array<double, 4> background(const KnownLight& light, const hal::TimingLayout& timing) {
  std::array<double, 4> outside{};
  for (const Arrival& a : light.arrivals)
    if (2 * std::abs(std::int64_t{a.off_ps}) > 4 * timing.gate_width.count)
      ++outside[a.seen];  // well clear of the peak's tail
  const auto gate = static_cast<double>(timing.gate_width.count),
             period = static_cast<double>(timing.slot_period.count);
  for (double& n : outside) n *= period > 4 * gate ? gate / (period - 4 * gate) : 0;
  return outside;
}

void alarm(const Mismatch& now, std::string_view basis, const Report* last, Report& report) {
  if (last == nullptr) return;
  const std::string name = fmt::format("mismatch.{}", basis);
  const auto before = std::ranges::find(last->fitted, name, &Fitted::name);
  if (before == last->fitted.end()) return;
  const double grown = std::abs(now.d.value) - std::abs(before->value);
  if (grown > normal_quantile(kRisk) * std::hypot(now.d.error, before->error))
    report.warnings.push_back(fmt::format("efficiency mismatch in the {} basis has grown from {:.4f} to {:.4f}", basis,
                                          std::abs(before->value), std::abs(now.d.value)));
}

Result<void> run(Bench& bench, Report& report) {
  auto light = shine(bench, {kClicks, kSeconds, 0.5}, kParts);
  if (!light) return std::move(light).error();
  const auto dark = background(*light, bench.own().timing);
  const auto fit = fit_mismatch(light->in_gate, dark);
  if (!fit)
    return Error{Code::exhausted,
                 "the light of all states lies alike in the ports: compensate polarisation first, and mind the clicks",
                 "",
                 0,
                 {}};
  double most = 0;
  bool alike = true;
  for (std::size_t b = 0; b < 2; ++b) {
    const Mismatch& basis = fit->bases[b];
    const auto [low, high] = basis.interval(kRisk);
    const double limit = std::max(std::abs(low), std::abs(high)), ratio = std::exp(basis.log_ratio.value);
    most = std::max(most, limit);
    report.fitted.push_back({fmt::format("mismatch.{}", kBases[b]), basis.d.value, basis.d.error, "1"});
    report.fitted.push_back({fmt::format("mismatch.{}.upper", kBases[b]), limit, 0, "1"});
    report.fitted.push_back({fmt::format("efficiency_ratio.{}", kBases[b]), ratio, ratio * basis.log_ratio.error, "1"});
    alarm(basis, kBases[b], bench.last_record(report.routine), report);
    if (low <= 0 && high >= 0) continue;
    alike = false;
    report.warnings.push_back(
        fmt::format("the detectors of the {} basis are not alike: D between {:.4f} and {:.4f} ({:.1f} %)", kBases[b],
                    low, high, 100 * (1 - kRisk)));
  }
  report.result["model.efficiency_mismatch"] = most;
  report.result["model.basis_independent_detection"] = alike;
  report.not_determined.push_back(
      "efficiencies where the light is not: in other modes, at other wavelengths and times");
  return {};
}

}  // namespace

Routine efficiency_mismatch() {
  return {"efficiency-mismatch",
          "a detector that sees more than its neighbour lets an eavesdropper guess better",
          {"delays", "polarisation"},
          kParts,
          run,
          {{"mismatch.rectilinear", "1"},
           {"mismatch.rectilinear.upper", "1"},
           {"mismatch.diagonal", "1"},
           {"mismatch.diagonal.upper", "1"},
           {"efficiency_ratio.rectilinear", "1"},
           {"efficiency_ratio.diagonal", "1"}},
          std::chrono::hours(24)};
}

}  // namespace nicol::calibration
