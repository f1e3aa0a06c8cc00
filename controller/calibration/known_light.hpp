// SPDX-License-Identifier: Apache-2.0
// Light in states that both sides know, and what became of every photon of it: what most routines are made of.
#pragma once

#include <vector>

#include "controller/calibration/bench.hpp"
#include "controller/calibration/coincidences.hpp"
#include "controller/calibration/stack_fit.hpp"

namespace nicol::calibration {

struct LightPlan {
  std::uint64_t detections = 20'000;  // light ends as soon as so many clicks lie in their gates
  double most_seconds = 10;           // or so much light has been sent
  double p_diagonal = 0.5;
  enum class Slots : std::uint8_t { counted, listed };
  Slots slots = Slots::counted;  // listed: coincidences are filled
};

/// A tag of a detector, by the slot nearest to it.
struct Arrival {
  std::int32_t off_ps = 0;          // after the middle of the gate
  std::uint8_t sent = 0, seen = 0;  // states and detectors, as in StateTable
};

struct KnownLight {
  std::vector<Arrival> arrivals;  // at most 4 Mi
  StateTable in_gate{};
  std::array<std::uint64_t, 4> slots{};  // sent in each state, dropped ones left out
  double seconds = 0;                    // of light
  /// By sent state, in slots that count: the heralded ones of a heralded source.
  std::array<CoincidenceCounts, 4> coincidences{};
};

/// Sends light from the remote source and sees it with the own tagger; light is off again at the end. not_supported: a
/// rig without passive receiver, or a source that plays no patterns. exhausted: no click came at all.
Result<KnownLight> shine(Bench& bench, const LightPlan& plan);

/// The same in `parts`, each a step of the bench, added up.
Result<KnownLight> shine(Bench& bench, const LightPlan& each, int parts);

}  // namespace nicol::calibration
