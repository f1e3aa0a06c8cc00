// SPDX-License-Identifier: Apache-2.0
// One number of a report, by name.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "controller/calibration/routine.hpp"

namespace nicol::calibration::test {

inline const Fitted& found(const Report& report, const std::string& name) {
  static const Fitted nothing;
  const auto it = std::ranges::find(report.fitted, name, &Fitted::name);
  if (it != report.fitted.end()) return *it;
  ADD_FAILURE() << "the report has no " << name;
  return nothing;
}

}  // namespace nicol::calibration::test
