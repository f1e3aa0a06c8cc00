// SPDX-License-Identifier: Apache-2.0
// Both halves of a simulated link in one process, and a plain reading of what comes out: gates and the multi-click rule
// without any of detection's cleverness.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <vector>

#include "drivers/hal/rig.hpp"
#include "sim/devices/world.hpp"

namespace nicol::test {

struct Settings {
  std::vector<std::uint64_t> bases, bits;
  bool diagonal(std::uint64_t slot) const { return bases[slot / 64] >> (slot % 64) & 1; }
  bool bit(std::uint64_t slot) const { return bits[slot / 64] >> (slot % 64) & 1; }
};
Settings random_settings(std::uint64_t slots, std::uint64_t seed);

/// All a tagger said during one block.
struct Recording {
  std::vector<hal::TimeTag> tags;
  std::vector<hal::LossInterval> losses;
  std::vector<hal::StreamStatus> odd;  // other than ok, timeout and overflow
  bool contract_kept = true;           // ordering, continuity, index arithmetic
  std::int64_t end = 0;
};

struct RunOptions {
  std::uint64_t seed = 1;
  sim::EveOptions eve{};
  std::size_t chunk = std::size_t{1} << 20;    // slots a call of emit()
  std::size_t storage = std::size_t{1} << 14;  // tags a call of acquire()
};

/// One block (or several) over a fresh pair of rigs.
class BenchLink {
 public:
  BenchLink(const sim::Scenario& scenario, const RunOptions& options);
  ~BenchLink();
  BenchLink(const BenchLink&) = delete;
  BenchLink& operator=(const BenchLink&) = delete;

  struct Block {
    Settings settings;
    Recording alice, bob;
  };
  Block run(std::uint64_t slots);

  hal::Rig& alice() { return *alice_; }
  hal::Rig& bob() { return *bob_; }
  const sim::Scenario& scenario() const { return scenario_; }

 private:
  sim::Scenario scenario_;
  RunOptions options_;
  std::filesystem::path folder_;
  std::unique_ptr<hal::Rig> alice_, bob_;
  std::uint64_t blocks_ = 0;
};

/// Opens shutters, arms, enables.
void make_ready(hal::Rig& rig);
/// The stream up to `until` picoseconds of the tagger's clock.
Recording record(hal::TimeTagger& tagger, std::size_t storage, std::int64_t until);

/// Slot of each tag of a channel that lies in its gate, by the rig's nominal clock and the first sync tag.
std::vector<std::uint64_t> gated_slots(const Recording& recording, const hal::Rig& rig, const sim::Scenario& scenario,
                                       std::uint16_t channel);

/// What sifting would see, by Alice's basis.
struct Sifted {
  std::uint64_t kept = 0, clicks = 0;
  std::array<std::uint64_t, 2> same_basis{}, errors{};
  std::array<std::uint64_t, 2> mismatched_same{}, mismatched{};  // [Alice's basis]
  std::map<std::uint64_t, std::array<std::uint8_t, 2>> bob;      // kept slots: basis, bit
};
Sifted sift(const BenchLink::Block& block, BenchLink& link, std::uint64_t slots);

/// (observed - expected) in standard deviations of a binomial count.
double sigmas(double observed, double trials, double probability);

}  // namespace nicol::test
