// SPDX-License-Identifier: Apache-2.0
// The controllers and stages this driver knows, as data: how to recognise them and what their counts mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "drivers/apt/messages.hpp"
#include "drivers/hal/device.hpp"
#include "drivers/hal/units.hpp"

namespace nicol::apt {

enum class Family : std::uint8_t { rotation_stage, paddles, flip_mirror };
hal::DeviceKind kind_of(Family family);

struct Model {
  std::string_view name;           // as the controller reports it, in front
  std::string_view serial_prefix;  // of the adapter's serial number; empty: not known
  std::string_view stage;          // what turns, where the controller does not say
  Family family;
  Id status_request, status_reply;
  std::uint8_t channels;  // bits
  double counts_per_degree;
  double velocity_unit, acceleration_unit;  // device units per deg/s and per deg/s^2
  double max_velocity, max_acceleration;    // deg/s, deg/s^2
  double repeatability, resolution;         // deg
};

/// By what the controller says of itself ("K10CR1/M" is a K10CR1).
const Model* model_named(std::string_view reported);
/// By the first digits of the USB adapter's serial number: passive, before anything is opened.
const Model* model_of_serial(std::string_view serial);
/// "K10CR1, K10CR2, …", for messages.
std::string_view known_models();

/// Nearest count; empty where it does not fit the controller's 32 bits.
std::optional<std::int32_t> to_counts(const Model& model, double degrees);
double to_degrees(const Model& model, std::int32_t counts);

}  // namespace nicol::apt
