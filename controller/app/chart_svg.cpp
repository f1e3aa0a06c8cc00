// SPDX-License-Identifier: Apache-2.0
#include "controller/app/chart_svg.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace nicol::app {
namespace {

using service::ChartPoint;
using service::QuantityHistory;

constexpr double kWidth = 430, kHeight = 170, kLeft = 62, kRight = 74, kTop = 10, kBottom = 24;
constexpr double kLine = 11;  // px that two labels need apart
constexpr std::int64_t kDay = 86'400;

struct Frame {
  double low = 0, high = 1;  // of the values
  std::int64_t first = 0, last = 0;
  std::size_t count = 1;

  double y(double value) const { return kTop + (kHeight - kTop - kBottom) * (high - value) / (high - low); }
  /// By time; where all are of one time, by their order.
  double x(std::int64_t when, std::size_t index) const {
    const double inner = kWidth - kLeft - kRight - 16, left = kLeft + 8;
    if (last > first) return left + inner * static_cast<double>(when - first) / static_cast<double>(last - first);
    return left + inner * (static_cast<double>(index) + 0.5) / static_cast<double>(count);
  }
};

Frame frame_of(const QuantityHistory& h) {
  Frame f{h.chart.lower, h.chart.upper, h.points.front().when, h.points.back().when, h.points.size()};
  for (const ChartPoint& p : h.points)
    f.low = std::min(f.low, p.value - p.error), f.high = std::max(f.high, p.value + p.error);
  double room = 0.06 * (f.high - f.low);
  if (!(room > 0)) room = f.high != 0 ? 0.1 * std::abs(f.high) : 1;  // all the same, without errors
  f.low -= room, f.high += room;
  return f;
}

/// Decimals that tell numbers so far apart from each other.
int decimals(double step) { return std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 12); }

std::string number(double value, double step) {
  if (std::abs(value) >= 1e6 || (std::abs(value) < 1e-4 && step < 1e-5)) return fmt::format("{:.3g}", value);
  return fmt::format("{:.{}f}", std::abs(value) < step * 1e-6 ? 0.0 : value, decimals(step));
}

std::string line(const char* style, double x1, double y1, double x2, double y2) {
  return fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>", style, x1, y1, x2,
                     y2);
}

std::string text(const char* anchor, double x, double y, const std::string& what) {
  return fmt::format("<text text-anchor=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", anchor, x, y, escaped(what));
}

std::string axes(const Frame& f, const std::string& unit) {
  std::string out;
  const auto marks = ticks(f.low, f.high);
  const double step = marks.size() > 1 ? marks[1] - marks[0] : 1;
  for (const double v : marks) {
    out += line("grid", kLeft, f.y(v), kWidth - kRight, f.y(v));
    out += text("end", kLeft - 5, f.y(v) + 3.5, number(v, step));
  }
  out += line("axis", kLeft, kTop, kLeft, kHeight - kBottom);
  out += line("axis", kLeft, kHeight - kBottom, kWidth - kRight, kHeight - kBottom);
  if (unit != "1")
    out += fmt::format("<text text-anchor=\"middle\" transform=\"translate(11 {:.1f}) rotate(-90)\">{}</text>",
                       (kTop + kHeight - kBottom) / 2, escaped(unit));
  const auto date = [&](std::int64_t when) {
    return f.last - f.first > 2 * kDay ? utc(when).substr(0, 10) : utc(when).substr(5, 11);
  };
  if (f.last == f.first) return out + text("middle", (kLeft + kWidth - kRight) / 2, kHeight - 8, date(f.first));
  return out + text("start", kLeft, kHeight - 8, date(f.first)) +
         text("end", kWidth - kRight, kHeight - 8, date(f.last));
}

/// The three lines and what they are called, kept apart where they come close.
std::string limit_lines(const QuantityHistory& h, const Frame& f) {
  const double right = kWidth - kRight;
  std::string out = line("centre", kLeft, f.y(h.chart.centre), right, f.y(h.chart.centre));
  const double step = (f.high - f.low) / 100, middle = f.y(h.chart.centre) + 3.5;
  if (!h.chart.limits) return out + text("start", right + 5, middle, number(h.chart.centre, step));
  out += line("limit", kLeft, f.y(h.chart.upper), right, f.y(h.chart.upper));
  out += line("limit", kLeft, f.y(h.chart.lower), right, f.y(h.chart.lower));
  const double up = std::min(f.y(h.chart.upper) + 3.5, middle - kLine),
               down = std::max(f.y(h.chart.lower) + 3.5, middle + kLine);
  out += text("start", right + 5, middle, number(h.chart.centre, step));
  out += text("start", right + 5, up, fmt::format("+3σ {}", number(h.chart.upper, step)));
  return out + text("start", right + 5, down, fmt::format("−3σ {}", number(h.chart.lower, step)));
}

std::string points(const QuantityHistory& h, const Frame& f) {
  std::string path, marks;
  for (std::size_t i = 0; i < h.points.size(); ++i) {
    const ChartPoint& p = h.points[i];
    const double x = f.x(p.when, i), y = f.y(p.value);
    path += fmt::format("{}{:.1f} {:.1f}", i == 0 ? "M" : "L", x, y);
    if (p.error > 0) marks += line("bar", x, f.y(p.value + p.error), x, f.y(p.value - p.error));
    if (h.chart.outside[i])
      marks += fmt::format("<circle class=\"outside\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"6\"/>", x, y);
    const bool passed = h.records[i]->report.status == calibration::Status::passed;
    marks += fmt::format(
        "<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.6\"><title>{}: {} {}, record {:.16}</title></circle>",
        passed ? "point" : "failed", x, y, utc(p.when), escaped(with_error(p.value, p.error)),
        escaped(h.unit == "1" ? "" : h.unit), escaped(h.records[i]->id));
  }
  return fmt::format("<path class=\"trace\" d=\"{}\"/>{}", path, marks);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\n') out += c;
    }
  }
  return out;
}

std::string utc(std::int64_t unix_seconds) {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(static_cast<std::time_t>(unix_seconds)));
}

std::string with_error(double value, double error) {
  if (!std::isfinite(value)) return "not determined";
  if (!(error > 0)) return fmt::format("{:.6g}", value);
  const int places = static_cast<int>(std::ceil(-std::log10(error))) + 1;  // two digits of the error
  if (places > 9 || std::abs(value) >= 1e9) return fmt::format("{:.6g} ± {:.2g}", value, error);
  const int shown = std::max(places, 0);
  return fmt::format("{:.{}f} ± {:.{}f}", value, shown, error, shown);
}

std::vector<double> ticks(double low, double high) {
  const double rough = (high - low) / 3, decade = std::pow(10, std::floor(std::log10(rough))), part = rough / decade;
  const double step = decade * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
  std::vector<double> all;
  const double first = std::ceil(low / step - 1e-9);
  for (int i = 0; i < 12 && (first + i) * step <= high + 1e-9 * step; ++i) all.push_back((first + i) * step);
  return all;
}

std::string chart_svg(const QuantityHistory& h) {
  const Frame f = frame_of(h);
  return fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"control chart of {}\">{}{}{}</svg>",
                     kWidth, kHeight, escaped(h.name), axes(f, h.unit), limit_lines(h, f), points(h, f));
}

}  // namespace nicol::app
