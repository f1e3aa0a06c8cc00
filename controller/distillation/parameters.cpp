// SPDX-License-Identifier: Apache-2.0
#include "controller/distillation/parameters.hpp"

namespace nicol::distillation {

std::string_view to_string(LengthFunction f) noexcept {
  switch (f) {
    case LengthFunction::sp_variable:
      return "sp_variable";
    case LengthFunction::sps_g2:
      return "sps_g2";
  }
  return "unknown";
}

}  // namespace nicol::distillation
