// SPDX-License-Identifier: Apache-2.0
// A fibre and the mounts that are to undo it, from the counts of a few settings: how the fibre turns polarisation,
// where the plates' axes really stand, what contrast is left, and how unlike the detectors are.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "controller/calibration/plate_fit.hpp"
#include "controller/calibration/plates.hpp"

namespace nicol::calibration {

/// counts[sent][seen]; states and detectors in the order rectilinear 0, 1, diagonal 0, 1 (90, 0, 135, 45 degrees).
using StateTable = std::array<std::array<std::uint64_t, 4>, 4>;
inline constexpr std::array<std::array<double, 2>, 4> kStates{{{-1, 0}, {1, 0}, {0, -1}, {0, 1}}};  // s1, s2
std::uint64_t total(const StateTable& table);

/// What one setting of the plates showed. As many slots of each state were sent.
struct SettingCounts {
  PlateAngles angles;  // as the mounts are believed to stand
  StateTable seen{};
};

/// Another explanation of the same counts, elsewhere.
struct Rival {
  Rotation channel = Rotation::Identity();
  PlateStack stack;
  std::array<double, 3> offset{};
  double margin = 0;  // log-likelihood by which it is worse
};

struct StackFit {
  Rotation channel = Rotation::Identity();  // before the plates
  PlateStack stack;                         // with retardances that fit
  /// Of the plates against what the mounts say, radians: one of several that are alike (a half-wave plate looks the
  /// same after a quarter turn; a turn of the first plate and one of the channel before it hardly differ).
  std::array<double, 3> offset{};
  std::array<Estimate, 2> contrast;  // of each basis, where the plates undo the channel wholly; dark counts are in it
  std::array<Estimate, 2> gain;      // efficiency of the detector of 1 over that of 0, each basis
  double chi_squared = 0;
  int degrees = 0;
  std::vector<Rival> rivals;  // the best first

  PlateAngles axes(const PlateAngles& mounts) const;  // where the axes are when the mounts say so
  PlateAngles mounts(const PlateAngles& axes) const;  // and back
};

/// p(1 | sent, basis) = g (1 + x) / (g (1 + x) + 1 - x), x = contrast . (plates channel sent): binomial maximum
/// likelihood from every start that differs; retardances are those of `stack` within `tolerance` radians (one standard
/// deviation). Empty where the settings leave something undetermined, or hold no counts.
std::optional<StackFit> fit_stack(const PlateStack& stack, double tolerance, std::span<const SettingCounts> settings);

}  // namespace nicol::calibration
