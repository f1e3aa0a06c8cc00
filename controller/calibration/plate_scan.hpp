// SPDX-License-Identifier: Apache-2.0
// Plates turned mark by mark, each mark come to from a known side, and the light seen behind every one.
#pragma once

#include <vector>

#include "controller/calibration/bench.hpp"
#include "controller/calibration/optics_fit.hpp"

namespace nicol::calibration {

struct ScanLook {
  ScanPoint point;
  std::array<Angle, 3> mounts;  // as their scales say
  double slots = 0;             // of light
};

enum class Side : std::uint8_t { below, above };

/// A mark of a turn; going down the marks lie between those of going up.
struct Mark {
  Angle mount;
  Side from = Side::below;
};
/// A turn of so many degrees from `low` on, or nearly: 13 marks up and 12 down. No two are alike, quarter turns taken
/// off: an axis shows four times a turn.
std::vector<Mark> turn_marks(Angle low, Angle span);

/// By so much the plates that stand are moved aside while another one goes down again, degrees: what one position of
/// them hides the other one shows.
inline constexpr std::array<double, 3> kAside{35, 20, 50};

/// What the rig knows of its plates' retardances, and how far plates as sold are from what they are named (1 %),
/// radians.
PlateStack stack_of(const hal::Rig& rig);
inline constexpr double kAsSold = 0.06;

/// Light of so many clicks through the plates as they stand.
Result<ScanLook> look_here(Bench& bench, std::uint64_t clicks);

/// Ends at `position`, having come from that side by more than any play.
Result<void> approach(Bench& bench, std::size_t plate, Angle position, Side from);

/// Every plate once around and back, `clicks` at each mark; then all stand where they stood. not_supported: a mount
/// that cannot go most of a turn.
Result<std::vector<ScanLook>> turn_every_plate(Bench& bench, std::uint64_t clicks);

}  // namespace nicol::calibration
