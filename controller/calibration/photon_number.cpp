// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/photon_number.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/calibration/known_light.hpp"

namespace nicol::calibration {
namespace {

using States = std::array<CoincidenceCounts, 4>;

constexpr std::uint64_t kClicks = 250'000;  // a part
constexpr int kParts = 4;
constexpr double kSeconds = 10;
constexpr std::array<std::string_view, 2> kBases{"rectilinear", "diagonal"};
constexpr std::array<std::string_view, 4> kStates{"V", "H", "minus", "plus"};  // by twice the basis plus the bit

Result<States> look(Bench& bench) {
  States all{};
  for (int i = 0; i < kParts; ++i) {
    if (auto step = bench.step(fmt::format("light, part {} of {}", i + 1, kParts)); !step)
      return std::move(step).error();
    auto part = shine(bench, {kClicks, kSeconds, 0.5, LightPlan::Slots::listed});
    if (!part) return std::move(part).error();
    for (std::size_t s = 0; s < 4; ++s) all[s] += part->coincidences[s];
  }
  return all;
}

void write(Report& report, const std::string& name, const Limited& found) {
  report.fitted.push_back({name, found.value, found.error, "1"});
  report.fitted.push_back({name + ".upper", found.upper, 0, "1"});
}

Limited means_of(const States& states, Transmission transmission, Report& report) {
  Limited most;
  for (std::size_t s = 0; s < 4; ++s) {
    const Limited here = mean_photon_number(states[s], transmission, hal::kSourceRisk / 16);
    write(report, fmt::format("mean_photon_number.{}", kStates[s]), here);
    if (here.upper > most.upper) most = here;
  }
  return most;
}

/// A basis at a time, as the key length counts them; the worse of both.
Limited multi_of(const States& states, Transmission transmission, Report& report) {
  Limited most;
  for (std::size_t b = 0; b < 2; ++b) {
    const Limited here =
        multi_photon_probability(std::span(states).subspan(2 * b, 2), transmission, hal::kSourceRisk / 8);
    write(report, fmt::format("p_multi.{}", kBases[b]), here);
    if (here.upper > most.upper) most = here;
  }
  return most;
}

Error dark() {
  return {Code::exhausted, "too few clicks in slots that count: are the heralds on, the delays known?", "", 0, {}};
}

bool contradicts(const Limited& now, const hal::DeviceModel& model, Report& report) {
  const bool declared = model.source_provenance == hal::Provenance::declared;
  if (!declared || !(now.value - 3 * now.error > model.p_multi)) return false;
  report.warnings.push_back(
      fmt::format("two or more photons in {:.3g} of the slots; declared are at most {:.3g}", now.value, model.p_multi));
  return true;
}

/// With the mean that is declared: P(two or more) <= mu^2 g2 / 2 (Waks, Santori, Yamamoto 2002). A limit from few
/// coincidences says nothing against a source; a value that stands out does.
void hold_against_declared(const Limited& g2, const hal::DeviceModel& model, Report& report) {
  const double scale = std::pow(model.mean_photon_number, 2) / 2;
  const Limited multi{scale * g2.value, scale * g2.error, std::min(1.0, scale * g2.upper)};
  if (contradicts(multi, model, report)) report.result["model.p_multi.at_least"] = multi.upper;
}

Result<void> run(Bench& bench, Report& report) {
  if (bench.heralded() && bench.heralds() == nullptr)
    return Error{Code::not_found, "heralded light, and nothing tells which slots have a herald", "tagger", 0, {}};
  auto states = look(bench);
  if (!states) return std::move(states).error();
  const Limited g2 = g2_of(*states, hal::kSourceRisk / 2);
  if (!std::isfinite(g2.upper)) return dark();
  write(report, "g2", g2);
  report.result["model.g2"] = g2.upper;
  const Transmission transmission{bench.transmission_at_least()};
  if (!(transmission.at_least > 0)) {
    hold_against_declared(g2, bench.own().model, report);
    report.not_determined.push_back(
        "how many photons leave the source: nobody has said which part of them makes a click, at least "
        "(transmission_at_least)");
    return {};
  }
  report.fitted.push_back({"transmission_at_least", transmission.at_least, 0, "1"});  // believed, not fitted
  const Limited mean = means_of(*states, transmission, report), multi = multi_of(*states, transmission, report);
  if (!std::isfinite(mean.upper) || !std::isfinite(multi.upper)) return dark();
  (void)contradicts(multi, bench.own().model, report);
  report.result["model.mean_photon_number"] = mean.upper;
  report.result["model.p_multi"] = multi.upper;
  return {};
}

}  // namespace

Routine photon_number() {
  return {"photon-number",
          "of every pulse with two photons an eavesdropper may keep one",
          {"delays"},
          kParts,
          run,
          {{"mean_photon_number.V", "1"},
           {"mean_photon_number.V.upper", "1"},
           {"mean_photon_number.H", "1"},
           {"mean_photon_number.H.upper", "1"},
           {"mean_photon_number.minus", "1"},
           {"mean_photon_number.minus.upper", "1"},
           {"mean_photon_number.plus", "1"},
           {"mean_photon_number.plus.upper", "1"},
           {"p_multi.rectilinear", "1"},
           {"p_multi.rectilinear.upper", "1"},
           {"p_multi.diagonal", "1"},
           {"p_multi.diagonal.upper", "1"},
           {"g2", "1"},
           {"g2.upper", "1"},
           {"transmission_at_least", "1"}},
          std::chrono::hours(24)};
}

}  // namespace nicol::calibration
