// SPDX-License-Identifier: Apache-2.0
// Tracking as faces and configs see it: what may be asked of it, where it can be had, and what it made of a block.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "controller/session/session.hpp"
#include "drivers/hal/rig.hpp"

namespace nicol::service {

struct TrackingOptions {
  Angle largest_step = Angle::radians(1.6);  // on the sphere, between two blocks
  Angle travel = Angle::degrees(1e6);        // of all plates, since the last calibration
  /// 1 - 2 QBER of the optics, dark counts included, behind a fibre that turns nothing: as declared. What a
  /// calibration has seen counts before it.
  double visibility = 0.97;
};

/// Why this rig cannot follow its fibre; empty: it can.
std::string why_no_tracking(const hal::Rig& rig, session::Side side, session::Protocol protocol);

/// QBERs are means of both bases, as expected of the next block.
struct TrackReport {
  std::uint64_t block = 0, index = 0;  // as in BlockResult
  bool verified = false;               // its counts were looked at
  std::array<Angle, 3> setting, next;  // of the plates: as they reported it in this block, and where they go now
  Angle way;                           // of all plates together, to there
  double dither_qber = 0;              // paid for what the next setting shows
  double doubt_qber = 0;               // paid for what is not known
  double excess_qber = 0;              // removed by no rotation: charged to Eve
  double walk = 0;                     // of the fibre as learned, rad per square root of an hour
  bool excess_alarm = false;           // "QBER excess that compensation did not remove"
  bool not_following = false;          // a plate was not where it was sent: all go back and rest a while
  bool travel_spent = false;           // the plates rest until the next calibration
  /// The plates go elsewhere now: after a block that failed the next one may not.
  bool worth_another_try() const;
};

}  // namespace nicol::service
