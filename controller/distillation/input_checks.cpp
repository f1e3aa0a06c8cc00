// SPDX-License-Identifier: Apache-2.0
#include "controller/distillation/input_checks.hpp"

#include <fmt/core.h>

#include <cmath>

#include "controller/distillation/tails.hpp"

namespace nicol::distillation {

InputChecks& InputChecks::fail_unless(bool good, std::string_view name, double value, std::string_view expected) {
  if (!good && complaint_.empty()) complaint_ = fmt::format("{} = {}: expected {}", name, value, expected);
  return *this;
}

InputChecks& InputChecks::count(std::string_view name, double value) {
  return fail_unless(std::isfinite(value) && value >= 0, name, value, "a number not below 0");
}

InputChecks& InputChecks::whole(std::string_view name, double value) {
  const bool good = value == std::floor(value) && value <= static_cast<double>(kLargestCount);
  return fail_unless(good, name, value, "a whole number up to 1e12");
}

InputChecks& InputChecks::probability(std::string_view name, double value) {
  return fail_unless(value > 0 && value < 1, name, value, "a probability inside (0,1)");
}

InputChecks& InputChecks::fraction(std::string_view name, double value) {
  return fail_unless(value >= 0 && value < 1, name, value, "a probability inside [0,1)");
}

InputChecks& InputChecks::at_most(std::string_view name, double value, std::string_view other, double limit) {
  return fail_unless(value <= limit, name, value, fmt::format("at most {} = {}", other, limit));
}

InputChecks& InputChecks::zero(std::string_view name, double value, Bound bound) {
  return fail_unless(value == 0, name, value, fmt::format("0 with bound {}: only serfling takes it", to_string(bound)));
}

Result<void> InputChecks::result() const {
  if (complaint_.empty()) return {};
  return Error{Code::bad_input, complaint_, {}, 0, {}};
}

}  // namespace nicol::distillation
