// SPDX-License-Identifier: Apache-2.0
// A defect in a header, which clang-tidy must find like those in planted_defects.cpp.
#pragma once

#include <string>

namespace nicol::planted {

inline std::string copied(std::string text) { return text + "."; }  // found: performance-unnecessary-value-param

}  // namespace nicol::planted
