// SPDX-License-Identifier: Apache-2.0
// A simulated link with a drawn fibre, mounts whose zeros nobody knows, and detectors that differ.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "controller/calibration/routine.hpp"
#include "sim/devices/world.hpp"
#include "tests/support/folder.hpp"

namespace nicol::calibration::test {

struct DrawnRigOptions {
  std::uint64_t seed = 1;
  double mismatch = 0.2;        // detectors have efficiencies within so much of each other
  double retardance_error = 0;  // one standard deviation, relative
  sim::EveOptions eve{};
  std::function<void(sim::Scenario&)> change = {};  // of the scenario, after all is drawn
};

/// Armed, homed, closed.
class DrawnRig {
 public:
  explicit DrawnRig(const DrawnRigOptions& options);
  DrawnRig(const DrawnRig&) = delete;
  DrawnRig& operator=(const DrawnRig&) = delete;
  hal::Rig& alice() { return *alice_; }
  hal::Rig& bob() { return *bob_; }
  /// To nodes that own them from then on; alice() and bob() stay good as long as those live.
  std::unique_ptr<hal::Rig> give_alice() { return std::move(kept_alice_); }
  std::unique_ptr<hal::Rig> give_bob() { return std::move(kept_bob_); }
  const sim::Scenario& scenario() const { return scenario_; }
  /// What the fibre and the plates as they really stand leave of each basis's contrast; and what they could leave.
  std::array<double, 2> contrast();
  std::array<double, 2> best_contrast();

 private:
  PlateStack stack() const;
  PlateAngles axes();
  Rotation fibre() const;
  sim::Scenario scenario_;
  nicol::test::Folder folder_;
  std::unique_ptr<hal::Rig> kept_alice_, kept_bob_;
  hal::Rig *alice_ = nullptr, *bob_ = nullptr;
};

/// The routine on this rig; `last`: what it found before.
Report run(const Routine& routine, DrawnRig& rig, const Report* last = nullptr);

}  // namespace nicol::calibration::test
