// SPDX-License-Identifier: Apache-2.0
// Between blocks: Bob's compensator follows the fibre by the public counts of blocks whose tags verified. Joins the
// pure tracker (calibration/tracker) to a rig; the engine says when light opens and what came of a block.
#pragma once

#include <optional>

#include "controller/calibration/routine.hpp"
#include "controller/calibration/tracker.hpp"
#include "controller/service/light_journal.hpp"
#include "controller/service/track_report.hpp"

namespace nicol::service {

/// Engine thread only.
class FibreTracking {
 public:
  /// `polarisation` (none: nullptr) is the record that the rig's settings come from; both others outlive this.
  FibreTracking(hal::Rig& rig, const TrackingOptions& options, const calibration::Report* polarisation,
                LightJournal* journal);

  /// As prepare_rig. Between blocks plates that cannot go where tracking sent them go back together to where they last
  /// stood, or else stay: a block behind plates that stand wrong is better than none.
  Result<void> prepare();
  /// Light opens; from here to block_done() no plate moves.
  void light_opens();
  /// Tells the rig the plates' next settings. Empty: its light never opened here.
  std::optional<TrackReport> block_done(const session::BlockResult& result);

 private:
  std::optional<calibration::PlateAngles> reported() const;
  void send_to(const calibration::PlateAngles& settings);
  calibration::PlateAngles axes(calibration::PlateAngles settings) const;
  calibration::PlateAngles settings(calibration::PlateAngles axes) const;

  hal::Rig* rig_;
  LightNotes notes_;
  std::array<Angle, 3> beside_{};  // of the axes against what the mounts say, where a calibration told
  std::optional<calibration::PolarisationTracker> tracker_;
  calibration::PlateAngles stood_;  // where all plates last were when light opened
  std::optional<calibration::PlateAngles> at_opening_;
  bool light_ = false;
  Picoseconds counted_from_, opened_;
};

}  // namespace nicol::service
