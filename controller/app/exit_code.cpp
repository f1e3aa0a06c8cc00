// SPDX-License-Identifier: Apache-2.0
#include "controller/app/exit_code.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace nicol::app {

Exit complain(const Error& error) {
  fmt::print(stderr, "nicol: {}\n", describe(error));
  switch (error.code) {
    case Code::bad_input:
    case Code::out_of_range:
    case Code::not_supported:
      return Exit::bad_input;
    case Code::authentication:
      return Exit::security;
    default:
      return Exit::failed;
  }
}

}  // namespace nicol::app
