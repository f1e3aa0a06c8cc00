// SPDX-License-Identifier: Apache-2.0
// Three times the same listening: behind the closed shutter, before a dark fibre, in light.
#include "controller/calibration/dark_counts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/calibration/gap_fit.hpp"
#include "controller/calibration/listening.hpp"
#include "controller/calibration/statistics.hpp"

namespace nicol::calibration {
namespace {

constexpr double kDarkSeconds = 1, kLightSeconds = 1;
constexpr double kRisk = 0.025;            // either side of a 95 % interval
constexpr double kLeakSigmas = 5;          // a rate that is so much larger is no chance
constexpr double kLeakShare = 0.02;        // nor worth a word below this share of the dark rate
constexpr double kChanged = 0.2;           // of a dark rate against its last record
constexpr double kAfterpulses = 16;        // twice the log-likelihood from which there are some
constexpr double kShort = 2, kMargin = 6;  // resolutions that a blind time is longer than the dead time

struct Seen {
  Heard dark, unlit, lit;
};

/// Clicks a second of the time the detector was alive in.
Estimate rate(const DetectorClicks& d, double seconds, double dead_seconds) {
  const auto n = static_cast<double>(d.clicks);
  const double alive = std::max(seconds - n * dead_seconds, seconds * 1e-3);
  return {n / alive, std::sqrt(std::max(n, 1.0)) / alive};
}

std::string named(const DetectorClicks& d, std::string_view what) { return fmt::format("{}.{}", d.name, what); }

void write_dark(const DetectorClicks& d, double seconds, double dead_seconds, Report& report) {
  const double alive = seconds - static_cast<double>(d.clicks) * dead_seconds;
  const Estimate e = rate(d, seconds, dead_seconds);
  report.fitted.push_back({named(d, "dark_rate"), e.value, e.error, "Hz"});
  report.fitted.push_back({named(d, "dark_rate.lower"), poisson_lower(d.clicks, kRisk) / alive, 0, "Hz"});
  report.fitted.push_back({named(d, "dark_rate.upper"), poisson_upper(d.clicks, kRisk) / alive, 0, "Hz"});
  report.result[named(d, "dark_hz")] = e.value;
}

void look_for_leaks(const Seen& seen, std::size_t i, Report& report) {
  const DetectorClicks &dark = seen.dark.detectors[i], &unlit = seen.unlit.detectors[i];
  const double sigmas = rate_difference_sigmas(unlit.clicks, dark.clicks, seen.dark.seconds / seen.unlit.seconds);
  const Estimate shut = rate(dark, seen.dark.seconds, 0), open = rate(unlit, seen.unlit.seconds, 0);
  report.fitted.push_back(
      {named(dark, "stray_light"), open.value - shut.value, std::hypot(open.error, shut.error), "Hz"});
  if (sigmas < kLeakSigmas || open.value - shut.value < kLeakShare * shut.value) return;
  report.warnings.push_back(
      fmt::format("{}: light leaks in: {:.0f} clicks a second with the shutter open and the source dark, {:.0f} with "
                  "the shutter closed ({:.0f} standard deviations)",
                  dark.name, open.value, shut.value, sigmas));
}

void compare(const DetectorClicks& dark, double seconds, const Report* last, Report& report) {
  if (last == nullptr) return;
  const auto it = std::ranges::find(last->fitted, named(dark, "dark_rate"), &Fitted::name);
  if (it == last->fitted.end() || !(it->value > 0)) return;
  const Estimate now = rate(dark, seconds, 0);
  const double change = now.value / it->value - 1;
  if (std::abs(change) < kChanged || std::abs(now.value - it->value) < kLeakSigmas * std::hypot(now.error, it->error))
    return;
  report.warnings.push_back(fmt::format("{}: the dark rate is {:.0f} /s, {:+.0f} % of the last record's {:.0f} /s",
                                        dark.name, now.value, 100 * change, it->value));
}

struct Alive {
  double dead_ps = 0, resolution_ps = 0;
};

/// How soon a detector clicks again.
std::optional<Alive> write_dead_time(const DetectorClicks& lit, const LightComb& comb, double tick_ps, Report& report) {
  const double resolution = std::max(gap_resolution(lit.gaps, comb), tick_ps);
  const auto dead = fit_dead_time(lit.gaps, resolution, comb);
  if (!dead) {
    report.not_determined.push_back(fmt::format("{}: dead time: no two clicks come close enough", lit.name));
    return std::nullopt;
  }
  report.fitted.push_back({named(lit, "dead_time"), dead->dead_ps.value * 1e-3, dead->dead_ps.error * 1e-3, "ns"});
  report.fitted.push_back({named(lit, "shortest_gap"), static_cast<double>(dead->shortest_ps) * 1e-3, 0, "ns"});
  report.fitted.push_back({named(lit, "gap_resolution"), resolution, 0, "ps"});
  if (dead->at_a_pulse)
    report.not_determined.push_back(
        fmt::format("{}: dead time to better than {:.1f} ns: it ends where the next pulse of light comes", lit.name,
                    dead->dead_ps.error * 1e-3));
  return Alive{dead->dead_ps.value, resolution};
}

void write_afterpulses(const DetectorClicks& lit, const Alive& alive, const LightComb& comb, Report& report) {
  const auto fit = fit_afterpulses(lit.gaps, alive.dead_ps, alive.resolution_ps, comb);
  if (!fit || fit->significance < kAfterpulses) {
    report.not_determined.push_back(
        fmt::format("{}: afterpulses: none stand out of {} gaps between clicks", lit.name, lit.gaps.size()));
    return;
  }
  report.fitted.push_back({named(lit, "afterpulse_probability"), fit->probability.value, fit->probability.error, "1"});
  report.fitted.push_back(
      {named(lit, "afterpulse_decay"), fit->decay_ps.value * 1e-3, fit->decay_ps.error * 1e-3, "ns"});
}

void write_up(const Bench& bench, const Seen& seen, Report& report) {
  const hal::TimingLayout& timing = bench.own().timing;
  const LightComb comb{timing.slot_period, timing.gate_width};
  const TickLength tick = bench.own().find<hal::TimeTagger>("tagger")->caps().tick;
  const double tick_ps = static_cast<double>(tick.num) / static_cast<double>(tick.den);
  const Report* last = bench.last_record(report.routine);
  double longest = 0, least = 0;
  for (std::size_t i = 0; i < seen.dark.detectors.size(); ++i) {
    const DetectorClicks &dark = seen.dark.detectors[i], &lit = seen.lit.detectors[i];
    const auto alive = write_dead_time(lit, comb, tick_ps, report);
    const double dead_seconds = alive ? alive->dead_ps * 1e-12 : 0;
    write_dark(dark, seen.dark.seconds, dead_seconds, report);
    const Estimate bright = rate(lit, seen.lit.seconds, dead_seconds);
    report.fitted.push_back({named(lit, "rate_in_light"), bright.value, bright.error, "Hz"});
    look_for_leaks(seen, i, report);
    compare(dark, seen.dark.seconds, last, report);
    if (!alive) continue;
    write_afterpulses(lit, *alive, comb, report);
    least = std::max(least, alive->dead_ps + kShort * alive->resolution_ps);
    longest = std::max(longest, alive->dead_ps + kMargin * alive->resolution_ps);
  }
  if (least <= static_cast<double>(timing.blind_time.count)) return;
  report.result["timing.blind_time_ps"] = static_cast<std::int64_t>(std::ceil(longest));
  report.warnings.push_back(
      fmt::format("detectors are blind for {:.1f} ns after a click, the rig says {:.1f} ns: it is told", least * 1e-3,
                  static_cast<double>(timing.blind_time.count) * 1e-3));
}

Result<void> run(Bench& bench, Report& report) {
  Seen seen;
  struct Part {
    std::string_view name;
    LightHere light;
    double seconds;
    Heard Seen::*heard;
  };
  for (const Part& part : {Part{"clicks behind the closed shutter", LightHere::shut_out, kDarkSeconds, &Seen::dark},
                           Part{"clicks before a dark source", LightHere::not_sent, kDarkSeconds, &Seen::unlit},
                           Part{"clicks in light", LightHere::falls, kLightSeconds, &Seen::lit}}) {
    if (auto step = bench.step(std::string(part.name)); !step) return step;
    auto heard = listen(bench, part.light, part.seconds);
    if (!heard) return std::move(heard).error();
    seen.*part.heard = *std::move(heard);
  }
  if (std::ranges::all_of(seen.lit.detectors, [](const DetectorClicks& d) { return d.clicks == 0; }))
    return Error{Code::exhausted, "no detector clicked in light: is the fibre plugged?", "", 0, {}};
  write_up(bench, seen, report);
  return {};
}

}  // namespace

Routine dark_counts() {
  return {"dark-counts",
          "what a detector clicks by itself is error that no optics takes away",
          {},
          3,
          run,
          {{"detector-*.dark_rate", "Hz"},
           {"detector-*.dark_rate.lower", "Hz"},
           {"detector-*.dark_rate.upper", "Hz"},
           {"detector-*.stray_light", "Hz"},
           {"detector-*.rate_in_light", "Hz"},
           {"detector-*.dead_time", "ns"},
           {"detector-*.shortest_gap", "ns"},
           {"detector-*.gap_resolution", "ps"},
           {"detector-*.afterpulse_probability", "1"},
           {"detector-*.afterpulse_decay", "ns"}},
          std::chrono::hours(24)};
}

}  // namespace nicol::calibration
