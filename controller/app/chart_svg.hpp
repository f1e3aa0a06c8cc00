// SPDX-License-Identifier: Apache-2.0
// A control chart as a drawing: SVG text that stands in a page, coloured by the page's style sheet.
#pragma once

#include <string>

#include "controller/service/calibration_summary.hpp"

namespace nicol::app {

/// `text` as it stands in HTML, in an element or in a quoted attribute.
std::string escaped(std::string_view text);
/// "2026-11-23 04:15 UTC"
std::string utc(std::int64_t unix_seconds);
/// As many digits as its standard error (0: none known) makes sense of.
std::string with_error(double value, double error);

/// The axis's round numbers: two to six, from the first at or above `low` to the last at or below `high`, low < high.
std::vector<double> ticks(double low, double high);

/// Values with their error bars against time, centre line and limits; points outside are ringed.
std::string chart_svg(const service::QuantityHistory& history);

}  // namespace nicol::app
