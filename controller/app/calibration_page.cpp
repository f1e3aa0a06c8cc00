// SPDX-License-Identifier: Apache-2.0
#include "controller/app/calibration_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/app/chart_svg.hpp"

namespace nicol::app {
namespace {

using calibration::Report;
using calibration::Status;
using service::CalibrationSummary;
using service::QuantityHistory;
using service::RoutineSummary;

constexpr std::string_view kStyle = R"(
:root { --ink:#1c2328; --soft:#5b6770; --line:#d5dbe0; --paper:#fff; --card:#f6f8f9; --good:#1d7a46; --bad:#b3261e;
  --warn:#8a5a00; --trace:#1f5fa8; --limit:#9a6a00; }
@media (prefers-color-scheme: dark) { :root { --ink:#e4e8eb; --soft:#9aa7b0; --line:#37424a; --paper:#14191d;
  --card:#1c2328; --good:#5cc98a; --bad:#ff8a80; --warn:#e8b65a; --trace:#7fb2ee; --limit:#d9a441; } }
@media print { :root { --ink:#000; --soft:#444; --line:#bbb; --paper:#fff; --card:#fff; --good:#155d35; --bad:#8f1d17;
  --warn:#6b4600; --trace:#174a85; --limit:#6b4a00; } figure, tr { break-inside:avoid; } h2, h3 { break-after:avoid; } }
* { box-sizing:border-box; }
body { margin:0 auto; padding:2rem 1.5rem 4rem; max-width:62rem; background:var(--paper); color:var(--ink);
  font:15px/1.5 system-ui, "Segoe UI", "Liberation Sans", sans-serif; }
h1 { font-size:1.6rem; margin:0 0 .2rem; } h2 { font-size:1.2rem; margin:2.4rem 0 .4rem; border-top:1px solid var(--line); padding-top:1.2rem; }
h3 { font-size:1rem; margin:1.4rem 0 .4rem; } p { margin:.4rem 0; }
.soft { color:var(--soft); } .good { color:var(--good); } .bad { color:var(--bad); } .warn { color:var(--warn); }
.alarm { border:2px solid var(--bad); color:var(--bad); padding:.6rem .9rem; margin:1rem 0; }
.scroll { overflow-x:auto; } table { border-collapse:collapse; width:100%; font-size:.9rem; }
th, td { text-align:left; padding:.28rem .7rem .28rem 0; border-bottom:1px solid var(--line); vertical-align:top; }
th { font-weight:600; color:var(--soft); } td.n, th.n { text-align:right; font-variant-numeric:tabular-nums; white-space:nowrap; }
code { font:.85em ui-monospace, "Liberation Mono", monospace; overflow-wrap:anywhere; }
.force code, .force td:nth-child(2), .force td:nth-child(3), .force td:first-child { white-space:nowrap; }
ul { margin:.3rem 0; padding-left:1.2rem; }
.charts { display:grid; grid-template-columns:repeat(auto-fill, minmax(24rem, 1fr)); gap:1rem; }
figure { margin:0; padding:.6rem .6rem .2rem; background:var(--card); border:1px solid var(--line); }
figcaption { font-size:.85rem; } svg { width:100%; height:auto; display:block; }
svg text { font:10px system-ui, "Liberation Sans", sans-serif; fill:var(--soft); }
svg line, svg path { fill:none; vector-effect:non-scaling-stroke; } .grid { stroke:var(--line); stroke-width:.6; }
.axis { stroke:var(--soft); stroke-width:1; } .centre { stroke:var(--soft); stroke-width:1; }
.limit { stroke:var(--limit); stroke-width:1; stroke-dasharray:5 3; } .trace { stroke:var(--trace); stroke-width:.8; opacity:.55; }
.bar { stroke:var(--trace); stroke-width:1.2; } .point { fill:var(--trace); } .failed { fill:var(--card); stroke:var(--trace); }
.outside { fill:none; stroke:var(--bad); stroke-width:1.6; }
)";

std::string_view style_of(Status status) { return status == Status::passed ? "good" : "bad"; }

std::string unit(const std::string& text) { return text == "1" ? std::string() : fmt::format(" {}", escaped(text)); }

std::string value_text(const hal::Value& value) {
  return std::visit(
      [](const auto& v) -> std::string {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, bool>) return v ? "yes" : "no";
        if constexpr (std::is_same_v<T, double>) return fmt::format("{:.6g}", v);
        return fmt::format("{}", v);
      },
      value);
}

std::string list(std::string_view title, std::string_view style, const std::vector<std::string>& entries) {
  if (entries.empty()) return {};
  std::string out = fmt::format("<h3 class=\"{}\">{}</h3><ul>", style, title);
  for (const std::string& entry : entries) out += fmt::format("<li>{}</li>", escaped(entry));
  return out + "</ul>\n";
}

std::string in_force_row(const RoutineSummary& s) {
  const auto& age = s.age;
  const std::string state = age.stale.empty()
                                ? std::string("<span class=\"good\">good</span>")
                                : fmt::format("<span class=\"warn\">stale: {}</span>", escaped(age.stale));
  if (age.record == nullptr)
    return fmt::format(
        "<tr><td>{}</td><td>none</td><td></td><td class=\"n\"></td><td class=\"n\">{}</td><td>{}</td></tr>\n",
        escaped(age.routine->name), service::age_text(s.lifetime), state);
  return fmt::format(
      "<tr><td>{}</td><td>{} <code>{:.16}</code></td><td>{}</td><td class=\"n\">{}</td><td "
      "class=\"n\">{}</td><td>{}</td></tr>\n",
      escaped(age.routine->name), age.record->number, escaped(age.record->id), utc(age.record->when),
      service::age_text(age.seconds), service::age_text(s.lifetime), state);
}

std::string in_force(const CalibrationSummary& s) {
  std::string out =
      "<h2>In force</h2>\n<div class=\"scroll\"><table "
      "class=\"force\"><tr><th>routine</th><th>record</th><th>made</th><th "
      "class=\"n\">age</th><th class=\"n\">good for</th><th>state</th></tr>\n";
  for (const RoutineSummary& r : s.routines) out += in_force_row(r);
  return out + "</table></div>\n" + list("Keys made now name", "soft", s.relied_on);
}

std::string limits_text(const QuantityHistory* h) {
  std::string out;
  if (h == nullptr) return out;
  for (const auto& l : h->limits) {
    if (l.min) out += fmt::format("{}≥ {:.6g}", out.empty() ? "" : ", ", *l.min);
    if (l.max) out += fmt::format("{}≤ {:.6g}", out.empty() ? "" : ", ", *l.max);
  }
  return out;
}

std::string drift_text(const QuantityHistory* h) {
  if (h == nullptr || !h->chart.drift) return {};
  return with_error(*h->chart.drift, h->chart.drift_error.value_or(0));
}

std::string fitted_table(const RoutineSummary& s, const Report& report) {
  if (report.fitted.empty()) return {};
  std::string out =
      "<div class=\"scroll\"><table><tr><th>quantity</th><th class=\"n\">value ± standard error</th><th>unit</th><th "
      "class=\"n\">drift a week</th><th>limits of the config</th></tr>\n";
  for (const auto& f : report.fitted) {
    const auto it = std::ranges::find(s.quantities, f.name, &QuantityHistory::name);
    const QuantityHistory* h = it == s.quantities.end() ? nullptr : &*it;
    out += fmt::format("<tr><td>{}</td><td class=\"n\">{}</td><td>{}</td><td class=\"n\">{}</td><td>{}</td></tr>\n",
                       escaped(f.name), escaped(with_error(f.value, f.error)), f.unit == "1" ? "" : escaped(f.unit),
                       escaped(drift_text(h)), escaped(limits_text(h)));
  }
  return out + "</table></div>\n";
}

/// What is not as it was; the rest is counted.
std::string before_after(const Report& report) {
  std::string rows;
  std::size_t same = 0;
  for (const auto& [key, was] : report.before) {
    const auto now = report.after.find(key);
    if (now != report.after.end() && now->second == was) {
      ++same;
      continue;
    }
    rows += fmt::format("<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n", escaped(key),
                        escaped(value_text(was)), now == report.after.end() ? "" : escaped(value_text(now->second)));
  }
  if (rows.empty()) return fmt::format("<p class=\"soft\">It left the rig as it was ({} settings).</p>\n", same);
  return fmt::format(
      "<h3>Before and after</h3><div class=\"scroll\"><table><tr><th>setting</th><th class=\"n\">before</th><th "
      "class=\"n\">after</th></tr>\n"
      "{}</table></div><p class=\"soft\">{} others are as they were.</p>\n",
      rows, same);
}

std::string told(const Report& report) {
  if (report.result.empty()) return {};
  std::string rows;
  for (const auto& [key, value] : report.result)
    rows += fmt::format("<tr><td>{}</td><td class=\"n\">{}</td></tr>\n", escaped(key), escaped(value_text(value)));
  return fmt::format("<h3>What it tells the rig</h3><div class=\"scroll\"><table>{}</table></div>\n", rows);
}

std::string chart(const QuantityHistory& h) {
  const auto outside = std::ranges::count(h.chart.outside, true);
  std::string words = fmt::format("{} records", h.points.size());
  if (h.chart.drift) words += fmt::format(", drift {}{} a week", escaped(drift_text(&h)), unit(h.unit));
  if (h.points.size() < service::kSettledPoints) words += ", limits provisional";
  const std::string flag =
      outside == 0 ? std::string() : fmt::format(" <span class=\"bad\">{} outside</span>", outside);
  return fmt::format("<figure><figcaption><b>{}</b>{}{} <span class=\"soft\">({})</span></figcaption>{}</figure>\n",
                     escaped(h.name), h.unit == "1" ? "" : fmt::format(" [{}]", escaped(h.unit)), flag, words,
                     chart_svg(h));
}

std::string charts(const RoutineSummary& s) {
  std::string out;
  for (const QuantityHistory& h : s.quantities)
    if (h.points.size() >= 2) out += chart(h);
  if (out.empty()) return "<p class=\"soft\">No control charts: they begin with the second record.</p>\n";
  return fmt::format("<h3>Control charts</h3><div class=\"charts\">{}</div>\n", out);
}

std::string section(const RoutineSummary& s) {
  std::string out = fmt::format("<h2>{}</h2>\n<p class=\"soft\">{}.</p>\n", escaped(s.age.routine->name),
                                escaped(s.age.routine->why));
  if (s.newest == nullptr) return out + "<p>No record.</p>\n";
  const Report& r = s.newest->report;
  out += fmt::format(
      "<p>Newest record: number {}, <code>{}</code>, {}, <b class=\"{}\">{}</b>{}. It took {:.1f} s, {} motor moves "
      "and "
      "{} detected photons.</p>\n",
      s.newest->number, escaped(s.newest->id), utc(s.newest->when), style_of(r.status), to_string(r.status),
      r.reason.empty() ? "" : fmt::format(": {}", escaped(r.reason)), r.seconds, r.motor_moves, r.detected_photons);
  out += fitted_table(s, r);
  out += list("Look at this", "warn", r.warnings);
  out += list("Not determined", "soft", r.not_determined);
  return out + told(r) + before_after(r) + charts(s);
}

std::string records_table(const CalibrationSummary& s) {
  std::string out =
      "<h2>All records</h2>\n<p class=\"soft\">Each names the one before it and is sealed by the node's key store, "
      "which also knows the newest: one that was changed, added or taken away does not open.</p>\n<div "
      "class=\"scroll\"><table><tr><th>routine</th><th "
      "class=\"n\">number</th><th>made</th><th>status</th><th>record</th></tr>\n";
  for (const RoutineSummary& r : s.routines)
    for (const auto* record : r.all)
      out += fmt::format(
          "<tr><td>{}</td><td class=\"n\">{}</td><td>{}</td><td class=\"{}\">{}</td><td><code>{}</code></td></tr>\n",
          escaped(r.age.routine->name), record->number, utc(record->when), style_of(record->report.status),
          to_string(record->report.status), escaped(record->id));
  return out + "</table></div>\n";
}

}  // namespace

std::string calibration_page(const CalibrationSummary& s) {
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\n"
      "<title>Calibrations of {0}, {1}</title><style>{2}</style></head><body>\n"
      "<h1>Calibrations of {0}</h1>\n<p class=\"soft\">{1}. {3}. Rig: {4}. Sealed by {5}.</p>\n",
      escaped(s.node), utc(s.now), kStyle, escaped(s.version), s.rig.empty() ? "not known yet" : escaped(s.rig),
      escaped(s.sealed_by));
  if (!s.grown.empty()) out += fmt::format("<p class=\"alarm\">{}</p>\n", escaped(s.grown));
  out += in_force(s);
  out +=
      "<p class=\"soft\">Charts: each point is one record, its bar one standard error either way; hollow points are of "
      "records that failed. The solid line is the mean, the dashed ones lie 3σ off it, with σ the mean step between "
      "neighbours over 1.128 (Shewhart's chart of individuals, as in Montgomery, Introduction to Statistical Quality "
      "Control); ringed points lie outside. Limits from fewer than 20 points are provisional.</p>\n";
  for (const RoutineSummary& r : s.routines) out += section(r);
  return out + records_table(s) + "</body></html>\n";
}

}  // namespace nicol::app
