// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/delays.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "controller/calibration/known_light.hpp"
#include "controller/calibration/peak_fit.hpp"

namespace nicol::calibration {
namespace {

constexpr std::uint64_t kClicks = 50'000;  // a part; centres to about a picosecond
constexpr int kParts = 3;
constexpr double kSeconds = 1;   // where the gates are elsewhere no click counts: light ends after so much
constexpr double kTells = 1e-6;  // chance below which arrival times tell the bit
constexpr double kWorthIt = 10;  // widths that a gate must hold to miss next to nothing

using Arrivals = std::array<std::vector<std::int32_t>, 4>;

/// By detector, each evenly over its tick: a tag says no more, and where ticks and slots keep step their lattice would
/// otherwise look like a difference between detectors whose centres lie differently in it.
Arrivals spread(std::span<const Arrival> seen, TickLength tick) {
  constexpr double kGolden = 0.6180339887498949;
  const double ps = static_cast<double>(tick.num) / static_cast<double>(tick.den);
  Arrivals all;
  double place = 0;
  for (const Arrival& a : seen) {
    place += kGolden;
    place -= std::floor(place);
    all[a.seen].push_back(a.off_ps + static_cast<std::int32_t>(std::lround((place - 0.5) * ps)));
  }
  return all;
}

/// The nth channel with a detector, and what it is called.
struct Channel {
  const hal::ChannelLayout* layout;
  std::string name;
  std::size_t seen;  // index as in StateTable
};
std::vector<Channel> channels(const hal::TimingLayout& timing) {
  std::vector<Channel> all;
  for (const hal::ChannelLayout& c : timing.channels)
    if (c.role == hal::ChannelRole::detector)
      all.push_back({&c, fmt::format("detector-{}", all.size()), std::size_t{2} * c.basis + c.bit});
  return all;
}

void write_peak(const Channel& c, const PeakFit& peak, const hal::TimingLayout& timing, Report& report) {
  const auto fitted = [&](std::string_view what, const Estimate& e, std::string unit) {
    report.fitted.push_back({fmt::format("{}.{}", c.name, what), e.value, e.error, std::move(unit)});
  };
  const double delay = static_cast<double>(c.layout->delay.count) + peak.centre_ps.value;
  fitted("delay", {delay, peak.centre_ps.error}, "ps");
  fitted("jitter", peak.width_ps, "ps");
  if (peak.has_tail) {
    fitted("tail_share", peak.tail_share, "1");
    fitted("tail", peak.tail_ps, "ps");
  } else {
    report.not_determined.push_back(fmt::format("{}: skew of the arrival times: none stands out", c.name));
  }
  fitted("background", peak.background, "clicks/ns");
  report.result[c.name + ".delay_ps"] = delay;
  if (kWorthIt / 2 * peak.width_ps.value > static_cast<double>(timing.gate_width.count))
    report.warnings.push_back(
        fmt::format("{}: a gate of {} ps cuts off much of a peak that is {:.0f} ps wide (one "
                    "standard deviation)",
                    c.name, timing.gate_width.count, peak.width_ps.value));
}

/// Within the gates as they will lie.
void compare(std::span<const Channel> all, std::span<const PeakFit> peaks, const Arrivals& arrivals,
             const hal::TimingLayout& timing, Report& report) {
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      if (all[i].layout->basis != all[j].layout->basis) continue;
      const double p = alike(arrivals[all[i].seen], peaks[i].centre_ps.value, arrivals[all[j].seen],
                             peaks[j].centre_ps.value, {timing.gate_width.count / 2}, timing.slot_period);
      report.fitted.push_back(
          {fmt::format("alike.{}", all[i].layout->basis == 0 ? "rectilinear" : "diagonal"), p, 0, "1"});
      if (p < kTells)
        report.warnings.push_back(fmt::format(
            "efficiency mismatch: arrival times tell the bit between {} and {} (chance of such a difference {:.1e})",
            all[i].name, all[j].name, p));
    }
}

Result<void> run(Bench& bench, Report& report) {
  auto light = shine(bench, {kClicks, kSeconds, 0.5}, kParts);
  if (!light) return std::move(light).error();
  const Arrivals arrivals = spread(light->arrivals, bench.own().find<hal::TimeTagger>("tagger")->caps().tick);
  const hal::TimingLayout& timing = bench.own().timing;
  const std::vector<Channel> all = channels(timing);
  std::vector<PeakFit> peaks;
  for (const Channel& c : all) {
    const auto peak = fit_peak(arrivals[c.seen], timing.slot_period);
    if (!peak)
      return Error{
          Code::exhausted,
          fmt::format("{}: no peak stands out of {} clicks anywhere in the slot", c.name, arrivals[c.seen].size()),
          c.name,
          0,
          {}};
    peaks.push_back(*peak);
    write_peak(c, *peak, timing, report);
  }
  compare(all, peaks, arrivals, timing, report);
  report.not_determined.push_back("delays of whole slots: the frame marker says which slot is which");
  return {};
}

}  // namespace

Routine delays() {
  return {"delays",
          "a gate beside its peak loses light; unlike gates tell an eavesdropper the bit",
          {},
          kParts,
          run,
          {{"detector-*.delay", "ps"},
           {"detector-*.jitter", "ps"},
           {"detector-*.tail_share", "1"},
           {"detector-*.tail", "ps"},
           {"detector-*.background", "clicks/ns"},
           {"alike.rectilinear", "1"},
           {"alike.diagonal", "1"}},
          std::chrono::hours(24)};
}

}  // namespace nicol::calibration
