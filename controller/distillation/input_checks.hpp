// SPDX-License-Identifier: Apache-2.0
// Refusals of the key-length formulas: the first bad input, named with its value.
#pragma once

#include <string>
#include <string_view>

#include "controller/distillation/keylength.hpp"

namespace nicol::distillation {

/// Chained checks; the first that fails is the result (bad_input).
class InputChecks {
 public:
  /// Finite and not negative.
  InputChecks& count(std::string_view name, double value);
  /// A whole number up to 1e12.
  InputChecks& whole(std::string_view name, double value);
  /// Inside (0,1).
  InputChecks& probability(std::string_view name, double value);
  /// Inside [0,1).
  InputChecks& fraction(std::string_view name, double value);
  InputChecks& at_most(std::string_view name, double value, std::string_view other, double limit);
  /// Zero, which this bound asks for.
  InputChecks& zero(std::string_view name, double value, Bound bound);
  Result<void> result() const;

 private:
  InputChecks& fail_unless(bool good, std::string_view name, double value, std::string_view expected);
  std::string complaint_;
};

}  // namespace nicol::distillation
