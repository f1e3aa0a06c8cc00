// SPDX-License-Identifier: Apache-2.0
// The table of models. Where each number comes from, and how sure it is, stands in README.md.
#include "drivers/apt/models.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace nicol::apt {
namespace {

constexpr double kStepperCounts = 409600.0 / 3;
constexpr double kStepperVelocity = kStepperCounts * 53.68, kStepperAcceleration = kStepperCounts / 90.9;
constexpr double kServoCounts = 1919.6418578623391, kServoPeriod = 2048 / 6e6;
constexpr double kServoVelocity = kServoCounts * kServoPeriod * 65536;
constexpr double kServoAcceleration = kServoCounts * kServoPeriod * kServoPeriod * 65536;
constexpr double kPaddleCounts = 1370.0 / 170;

constexpr std::array kModels = {
    Model{"K10CR1", "55", "", Family::rotation_stage, Id::mot_req_status, Id::mot_get_status, 1, kStepperCounts,
          kStepperVelocity, kStepperAcceleration, 10, 20, 0.0034, 0.001},
    Model{"K10CR2", "", "", Family::rotation_stage, Id::mot_req_status, Id::mot_get_status, 1, kStepperCounts,
          kStepperVelocity, kStepperAcceleration, 20, 40, 0.0034, 0.001},
    Model{"KDC101", "27", "PRM1-Z8", Family::rotation_stage, Id::mot_req_dc_status, Id::mot_get_dc_status, 1,
          kServoCounts, kServoVelocity, kServoAcceleration, 25, 25, 0.03, 0.001},
    Model{"TDC001", "83", "PRM1-Z8", Family::rotation_stage, Id::mot_req_dc_status, Id::mot_get_dc_status, 1,
          kServoCounts, kServoVelocity, kServoAcceleration, 25, 25, 0.03, 0.001},
    Model{"MPC320", "38", "", Family::paddles, Id::mot_req_dc_status, Id::mot_get_dc_status, 7, kPaddleCounts, 0, 0,
          400, 0, 0.125, 1 / kPaddleCounts},
    Model{"MFF10", "37", "", Family::flip_mirror, Id::mot_req_status_bits, Id::mot_get_status_bits, 1, 0, 0, 0, 0, 0, 0,
          0}};

}  // namespace

hal::DeviceKind kind_of(Family family) {
  switch (family) {
    case Family::rotation_stage:
      return hal::DeviceKind::rotation_stage;
    case Family::paddles:
      return hal::DeviceKind::polarization_controller;
    case Family::flip_mirror:
      break;
  }
  return hal::DeviceKind::shutter;
}

const Model* model_named(std::string_view reported) {
  const auto it = std::ranges::find_if(kModels, [&](const Model& m) { return reported.starts_with(m.name); });
  return it == kModels.end() ? nullptr : &*it;
}

const Model* model_of_serial(std::string_view serial) {
  if (serial.size() != 8) return nullptr;
  const auto it = std::ranges::find_if(
      kModels, [&](const Model& m) { return !m.serial_prefix.empty() && serial.starts_with(m.serial_prefix); });
  return it == kModels.end() ? nullptr : &*it;
}

std::string_view known_models() { return "K10CR1, K10CR2, KDC101, TDC001, MPC320, MFF101, MFF102"; }

std::optional<std::int32_t> to_counts(const Model& model, double degrees) {
  const double counts = std::round(degrees * model.counts_per_degree);
  using Limits = std::numeric_limits<std::int32_t>;
  if (!(counts >= Limits::min() && counts <= Limits::max())) return std::nullopt;
  return static_cast<std::int32_t>(counts);
}

double to_degrees(const Model& model, std::int32_t counts) { return counts / model.counts_per_degree; }

}  // namespace nicol::apt
