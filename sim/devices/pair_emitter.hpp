// SPDX-License-Identifier: Apache-2.0
// Pairs of photons, from the crystal through both fibres: Alice's photon is measured by her analyser, Bob's carries on
// with the polarisation that her result leaves it.
#pragma once

#include <array>
#include <vector>

#include "sim/devices/channel.hpp"
#include "sim/devices/light.hpp"
#include "sim/devices/pair_tables.hpp"
#include "sim/optics/analyser.hpp"

namespace nicol::sim {

/// A photon that one of Alice's detectors absorbs, if it is alive.
struct AliceArrival {
  std::int64_t time = 0;  // ps
  std::size_t detector = 0;
};

/// Time is drawn in cells of a fixed length from the start of a run, each from a stream of its own, so that how light
/// is cut into batches changes nothing. Pump power, drift and fading move from cell to cell.
///
/// Quantum mechanics does not care who measures first, so Alice always does. Where her photon is lost it is measured
/// all the same, in a basis that her splitter would have chosen: nobody looks, and Bob's photon alone is unpolarised.
class PairEmitter {
 public:
  static constexpr Picoseconds kCell{1'000'000'000};  // 1 ms

  PairEmitter(const Scenario& scenario, std::uint64_t seed);

  void begin_run(std::uint32_t run, Picoseconds start);
  Picoseconds cell_end() const { return cell_begin_ + kCell; }
  /// The next cell, with so many pairs made a second.
  void next_cell(double pairs_per_second);
  /// Draws of the cell until the batch is full: appends photons for Bob to the batch (first_slot set, slots of
  /// `slot_period` from slot_zero) and Alice's to `alice`. Returns until when light is complete.
  Picoseconds emit(LightBatch& batch, std::vector<AliceArrival>& alice);

 private:
  struct Measured {
    std::size_t basis = 0;
    bool along = false, transmitted = false;
    std::size_t index() const { return 2 * basis + (along ? 1U : 0U); }
    std::size_t detector() const { return 2 * basis + (transmitted ? 1U : 0U); }
  };
  void look_at_fibres();
  void set_rate(double pairs_per_second);
  double step();
  void pair(std::int64_t time, std::size_t slot, LightBatch& batch, std::vector<AliceArrival>& alice);
  void pulse(LightBatch& batch, std::vector<AliceArrival>& alice);
  void joint_pulse(std::size_t pairs, const Survivors& survivors, std::int64_t centre, std::size_t slot,
                   LightBatch& batch, std::vector<AliceArrival>& alice);
  Measured measure();
  Measured measure(const Eigen::Vector3d& polarisation);
  void detect(const Measured& m, std::int64_t time, std::vector<AliceArrival>& alice);
  std::size_t draw_bell(double u) const;
  std::int64_t draw_time(std::int64_t centre);
  /// A pump pulse comes in the middle of its period.
  Picoseconds centre_of(std::uint64_t pulse) const {
    return {start_.count + pump_period_ * static_cast<std::int64_t>(pulse) + pump_period_ / 2};
  }
  std::size_t slot_of(std::int64_t time, const LightHeader& header) const;

  const Scenario scenario_;
  const std::uint64_t seed_;
  const bool pulsed_;
  const std::int64_t pump_period_;  // ps
  const bool joint_;
  Channel to_alice_, to_bob_;
  PolarisingSplitter splitter_;
  std::array<double, 4> share_{};  // of Alice's best detector
  bool all_alike_ = true;
  std::array<double, 3> bell_at_most_{};
  std::array<SphereRotation, 4> bell_turn_;

  std::uint32_t run_ = 0;
  std::uint64_t cell_ = 0;
  Picoseconds start_, cell_begin_;
  CounterStream stream_;
  ArmLosses arrive_;
  /// Bob's photon at his entrance, by what Alice measured (index()) and Bell state.
  std::array<std::array<PhotonState, 4>, 4> twin_{};
  std::uint64_t fibres_seen_ = ~std::uint64_t{0};

  double rate_ = 0;
  double mean_gap_ = 0;  // continuous: ps; pulsed: of tables_
  double next_ = 0;      // continuous: ps after the cell's begin
  PairTables tables_;
  double tabulated_ = -1;                         // mean pairs a pulse that tables_ were made for
  std::uint64_t next_pulse_ = 0, end_pulse_ = 0;  // since the run's start
};

}  // namespace nicol::sim
