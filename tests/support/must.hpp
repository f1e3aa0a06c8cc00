// SPDX-License-Identifier: Apache-2.0
// What a test cannot do without: the value, or the test ends with the error in words.
#pragma once

#include <stdexcept>
#include <utility>

#include "drivers/hal/result.hpp"

namespace nicol::test {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(describe(result.error()));
  return std::move(result).value();
}
inline void must(const Result<void>& result) {
  if (!result) throw std::runtime_error(describe(result.error()));
}

}  // namespace nicol::test
