// SPDX-License-Identifier: Apache-2.0
// The whole chain as a bench stage: both nodes of `teaching`, light to stored key, on the cores there are.
#pragma once

#include "controller/app/bench/bench.hpp"
#include "drivers/hal/result.hpp"

namespace nicol::app {

/// Sifted Mbit/s against memcpy of 256 MiB. Four blocks of about 1e5 sifted bits; `full` runs for about 60 s.
Result<bench::StageResult> bench_chain(const bench::Options& options);

}  // namespace nicol::app
