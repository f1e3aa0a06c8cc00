// SPDX-License-Identifier: Apache-2.0
// Alice's and Bob's rigs about a source of pairs, and plain counting of coincidences: every tag with every tag.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "drivers/hal/rig.hpp"
#include "sim/devices/world.hpp"
#include "sim/scenario/pair_expectation.hpp"
#include "tests/unit/sim/bench_link.hpp"

namespace nicol::test {

/// Both ends see the same true time: no clock error, ticks of a picosecond.
sim::Scenario with_ideal_clocks(sim::Scenario scenario);
/// Detectors without memory; of a pulsed source: that are alive again at the next pulse, but click once a pulse.
sim::Scenario without_dead_time(sim::Scenario scenario);

class PairLink {
 public:
  PairLink(const sim::Scenario& scenario, std::uint64_t seed, std::filesystem::path pump = {});
  /// Its socket is chosen here.
  explicit PairLink(sim::WorldOptions world);
  ~PairLink();
  PairLink(const PairLink&) = delete;
  PairLink& operator=(const PairLink&) = delete;

  hal::Rig& alice() { return *alice_; }
  hal::Rig& bob() { return *bob_; }
  /// Oven warm, laser on at this power, everything open.
  void light(double pump_mw);
  struct Run {
    Recording alice, bob;
    Picoseconds begin, length;
  };
  /// Tags a call of acquire().
  Run run(Picoseconds length, std::size_t storage = std::size_t{1} << 14);

 private:
  sim::Scenario scenario_;
  std::filesystem::path folder_;
  std::unique_ptr<hal::Rig> alice_, bob_;
};

/// Warms the oven, sets the current for `pump_mw`, arms, emits, opens the shutter.
void light_pump(hal::Rig& rig, double pump_mw);

struct Counts {
  std::array<std::uint64_t, 4> alice{}, bob{};
  std::array<std::array<std::uint64_t, 4>, 4> both{};  // |t_bob - t_alice| <= window / 2
  std::uint64_t total() const;
};
Counts count(const PairLink::Run& run, Picoseconds window);

/// Fewer than 4.5 standard deviations of a Poisson count between.
void expect_count(std::uint64_t counted, double expected, const char* what);
/// All singles and coincidences.
void expect_as_theory(const Counts& counts, const sim::PairExpectation& theory, double seconds);

}  // namespace nicol::test
