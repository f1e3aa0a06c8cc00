// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/thresholds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/calibration/listening.hpp"
#include "controller/calibration/pulse_fit.hpp"

namespace nicol::calibration {
namespace {

constexpr double kLowest = 0.02, kHighest = 2.5, kGrowth = 1.35;  // volts
constexpr int kCoarse = 17, kFine = 10;
constexpr double kSeconds = 0.3;   // of light, and of darkness, a threshold
constexpr double kLoud = 10'000;   // Hz in the dark: no lower than this
constexpr double kFewLost = 0.01;  // of the pulses, at the threshold that is set
constexpr double kChanged = 5;     // standard deviations

/// A detector's channel under the scan.
struct Scanned {
  std::string name;
  std::size_t channel = 0;
  double was = 0, now = 0;  // volts
  bool loud = false;
  std::vector<ThresholdCounts> counts;  // rising thresholds
};

class Scan {
 public:
  explicit Scan(Bench& bench) : bench_(&bench), tagger_(bench.own().find<hal::TimeTagger>("tagger")) {}

  /// not_supported: this tagger's thresholds are not to be set.
  Result<void> begin() {
    if (tagger_ == nullptr) return Error{Code::not_found, "the rig has no tagger", "", 0, {}};
    for (const hal::ChannelLayout& c : bench_->own().timing.channels) {
      if (c.role != hal::ChannelRole::detector) continue;
      const auto config = tagger_->channel(c.channel);
      if (!config) return config.error();
      const double volts = config->threshold.value;
      scanned.push_back({fmt::format("detector-{}", scanned.size()), c.channel, volts, volts, false, {}});
    }
    if (scanned.empty()) return Error{Code::not_found, "the tagger has no channel with a detector", "tagger", 0, {}};
    return set(scanned.front(), scanned.front().was * 1.01 + 1e-3);
  }
  /// One threshold of each, chosen by `volts`; a negative one leaves it alone.
  template <class F>
  Result<void> look(F&& volts) {
    for (Scanned& s : scanned)
      if (const double v = volts(s); v > 0)
        if (auto done = set(s, v); !done && done.error().code != Code::out_of_range) return done;
    if (auto step = bench_->step(fmt::format("thresholds about {:.3f} V", scanned.front().now)); !step) return step;
    const auto lit = listen(*bench_, LightHere::falls, kSeconds);
    if (!lit) return lit.error();
    const auto dark = listen(*bench_, LightHere::shut_out, kSeconds);
    if (!dark) return dark.error();
    for (std::size_t i = 0; i < scanned.size(); ++i) note(scanned[i], lit->detectors[i], dark->detectors[i]);
    return {};
  }
  Result<void> put_back() {
    for (Scanned& s : scanned)
      if (auto done = set(s, s.was); !done) return done;
    return {};
  }
  std::vector<Scanned> scanned;

 private:
  Result<void> set(Scanned& s, double volts) {
    auto config = tagger_->channel(s.channel);
    if (!config) return config.error();
    config->threshold = {volts};
    if (auto done = tagger_->set_channel(s.channel, *config); !done) return done;
    s.now = volts;
    return {};
  }
  static void note(Scanned& s, const DetectorClicks& lit, const DetectorClicks& dark) {
    const auto at = std::ranges::lower_bound(s.counts, s.now, {}, &ThresholdCounts::volts);
    if (at != s.counts.end() && at->volts == s.now) return;
    s.counts.insert(at, {s.now, lit.clicks, dark.clicks});
    s.loud = s.loud || static_cast<double>(dark.clicks) > kLoud * kSeconds;
  }
  Bench* bench_;
  hal::TimeTagger* tagger_;
};

/// From above, so that noise is met where it begins and not where it is worst.
Result<void> coarse(Scan& scan) {
  for (int i = kCoarse - 1; i >= 0; --i) {
    const double volts = std::min(kLowest * std::pow(kGrowth, i), kHighest);
    if (auto looked = scan.look([volts](const Scanned& s) { return s.loud ? -1 : volts; }); !looked) return looked;
  }
  return {};
}

Result<void> fine(Scan& scan) {
  std::vector<std::optional<PulseEdge>> edges;
  for (const Scanned& s : scan.scanned) edges.push_back(pulse_edge(s.counts));
  if (std::ranges::none_of(edges, [](const auto& edge) { return edge.has_value(); })) return {};
  for (int i = 1; i <= kFine; ++i)
    if (auto looked = scan.look([&](const Scanned& s) {
          const auto& edge = edges[static_cast<std::size_t>(&s - scan.scanned.data())];
          return edge ? edge->begin_v + (edge->end_v - edge->begin_v) * i / (kFine + 1) : -1;
        });
        !looked)
      return looked;
  return {};
}

void compare(const Scanned& s, const PulseFit& fit, const Report* last, Report& report) {
  if (s.was < fit.noise_ends_v)
    report.warnings.push_back(
        fmt::format("{}: its threshold of {:.3f} V is in the line's noise, which ends at {:.3f} V", s.name, s.was,
                    fit.noise_ends_v));
  if (const double lost = 1 - fit.seen_at(s.was); lost > kFewLost)
    report.warnings.push_back(
        fmt::format("{}: its threshold of {:.3f} V loses {:.0f} % of the pulses", s.name, s.was, 100 * lost));
  if (!fit.apart)
    report.warnings.push_back(fmt::format("{}: noise up to {:.3f} V reaches into pulses of {:.3f} V", s.name,
                                          fit.noise_ends_v, fit.height_v));
  if (last == nullptr) return;
  const auto before = std::ranges::find(last->fitted, s.name + ".pulse_height", &Fitted::name);
  if (before == last->fitted.end()) return;
  if (std::abs(fit.height_v - before->value) > kChanged * std::hypot(fit.height_error, before->error))
    report.warnings.push_back(
        fmt::format("{}: its pulses have changed from {:.3f} V to {:.3f} V", s.name, before->value, fit.height_v));
}

void write(const Scanned& s, const Report* last, Report& report) {
  const auto fit = fit_pulses(s.counts);
  if (!fit) {
    report.not_determined.push_back(
        fmt::format("{}: how high its pulses are: thresholds up to {:.2f} V lose none, or no light came", s.name,
                    s.counts.back().volts));
    return;
  }
  report.fitted.push_back({s.name + ".pulse_height", fit->height_v, fit->height_error, "V"});
  report.fitted.push_back({s.name + ".pulse_spread", fit->spread_v, fit->spread_error, "V"});
  report.fitted.push_back({s.name + ".noise_ends", fit->noise_ends_v, 0, "V"});
  report.fitted.push_back({s.name + ".threshold", fit->threshold_v, 0, "V"});
  report.result[s.name + ".threshold_v"] = fit->threshold_v;
  compare(s, *fit, last, report);
}

Result<void> run(Bench& bench, Report& report) {
  Scan scan(bench);
  if (auto begun = scan.begin(); !begun && begun.error().code == Code::not_supported) {
    report.not_determined.push_back(fmt::format("thresholds: {}", describe(begun.error())));
    return {};
  } else if (!begun) {
    return begun;
  }
  if (auto done = coarse(scan); !done) return done;
  if (auto done = fine(scan); !done) return done;
  for (const Scanned& s : scan.scanned) write(s, bench.last_record(report.routine), report);
  return scan.put_back();
}

}  // namespace

Routine thresholds() {
  return {"thresholds",
          "a threshold in the noise makes clicks, one among the pulses loses them, and not of both bits alike",
          {},
          kCoarse + kFine,
          run,
          {{"detector-*.pulse_height", "V"},
           {"detector-*.pulse_spread", "V"},
           {"detector-*.noise_ends", "V"},
           {"detector-*.threshold", "V"}},
          std::chrono::hours(168)};
}

}  // namespace nicol::calibration
