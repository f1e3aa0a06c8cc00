// SPDX-License-Identifier: Apache-2.0
// The page a lab files away: all of a node's calibrations in one HTML file, without script or network, for screen and
// paper.
#pragma once

#include <string>

#include "controller/service/calibration_summary.hpp"

namespace nicol::app {

/// Equal summaries make equal pages. All text that comes from devices, records and configs is escaped.
std::string calibration_page(const service::CalibrationSummary& summary);

}  // namespace nicol::app
