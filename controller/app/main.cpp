// SPDX-License-Identifier: Apache-2.0
// The headless nicol.
#include "controller/app/cli.hpp"

int main(int argc, char** argv) { return nicol::app::nicol_main(argc, argv, {}); }
