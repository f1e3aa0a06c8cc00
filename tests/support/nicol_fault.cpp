// SPDX-License-Identifier: Apache-2.0
// The same nicol, dying by kill -9 at a named boundary of a durable write: NICOL_FAULT="point:count" (the count-th time
// that point is passed). With NICOL_FAULT_LOG=FILE it appends every point it passes.
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "controller/app/cli.hpp"

namespace {

struct Plan {
  std::string point;
  long left = 0;
};

Plan plan_from_environment() {
  const char* text = std::getenv("NICOL_FAULT");
  const char* colon = text != nullptr ? std::strrchr(text, ':') : nullptr;
  return colon == nullptr ? Plan{} : Plan{std::string(text, colon), std::atol(colon + 1)};
}

}  // namespace

int main(int argc, char** argv) {
  nicol::app::Hooks hooks;
  hooks.fault = [plan = plan_from_environment()](std::string_view point) mutable {
    if (const char* log = std::getenv("NICOL_FAULT_LOG")) std::ofstream(log, std::ios::app) << point << '\n';
    if (point == plan.point && --plan.left == 0) kill(getpid(), SIGKILL);
  };
  return nicol::app::nicol_main(argc, argv, std::move(hooks));
}
