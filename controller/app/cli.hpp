// SPDX-License-Identifier: Apache-2.0
// The command line: names and options of DESIGN.md 8 and 9, nothing decided here.
#pragma once

#include "controller/app/commands.hpp"

namespace nicol::app {

/// Parses and runs; never throws.
Exit command_line(int argc, char** argv, Context& context);

/// All of main but the choice of hooks: security profile first, then signals, then the command line.
int nicol_main(int argc, char** argv, Hooks hooks);

}  // namespace nicol::app
