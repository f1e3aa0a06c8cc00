// SPDX-License-Identifier: Apache-2.0
// Measuring: pin to a core, repeat, take the median.
#pragma once

#include <functional>
#include <string>

#include "controller/app/bench/bench.hpp"

namespace nicol::bench {

/// Keeps this thread, and threads it starts meanwhile, on the core it runs on.
class PinnedCore {
 public:
  PinnedCore();
  ~PinnedCore();
  PinnedCore(const PinnedCore&) = delete;
  PinnedCore& operator=(const PinnedCore&) = delete;

 private:
  unsigned char before_[128];
  bool pinned_ = false;
};

struct Repeats {
  int least = 5;
  double seconds = 1.0, most_seconds = 10.0;
};
/// Median seconds of one call, after one call to warm up.
double median_seconds(const std::function<void()>& work, Repeats repeats = {});
/// Median of what the calls themselves report, for work whose preparation is not to be counted.
double median_of(const std::function<double()>& timed, Repeats repeats = {});
double seconds_now();
/// The compiler must believe that somebody reads what was computed.
inline void keep(const void* result) { __asm__ volatile("" : : "r"(result) : "memory"); }

/// Its rate and how it is named.
struct Yardstick {
  std::string name, unit;
  double rate = 0;
};
Yardstick carryless_kernel();   // clmul64/ns of a Toeplitz block, 2048 bits with VPCLMULQDQ; reference 8
Yardstick branch_free_merge();  // Mevents/s, both streams counted; reference 170
Yardstick memory_copy();        // GB/s of 256 MiB; reference 8
/// ms: two million events on a grid of 2^20, two plain complex transforms, the largest count; reference 42
Yardstick float_cross_correlation();

/// The result with its ratio.
StageResult compared(std::string stage, double size, double rate, std::string unit, const Yardstick& yardstick,
                     std::map<std::string, double> figures = {});

// One a stage; --full changes what they do.
std::vector<StageResult> bench_cascade(const Options& options);
std::vector<StageResult> bench_privacy_amplification(const Options& options);
std::vector<StageResult> bench_mac(const Options& options);
std::vector<StageResult> bench_key_slots(const Options& options);
std::vector<StageResult> bench_decode_gate_sift(const Options& options);
std::vector<StageResult> bench_tag_stream(const Options& options);
std::vector<StageResult> bench_simulator(const Options& options);
std::vector<StageResult> bench_coincidence(const Options& options);
std::vector<StageResult> bench_clock_offset(const Options& options);

}  // namespace nicol::bench
