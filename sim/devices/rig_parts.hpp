// SPDX-License-Identifier: Apache-2.0
// Pieces that every simulated rig is put together from.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/devices/detector.hpp"
#include "sim/devices/shutter.hpp"
#include "sim/devices/world.hpp"

namespace nicol::sim {

/// A virtual clock, the device model and a description; no device yet.
std::unique_ptr<hal::Rig> bare_rig(const WorldOptions& options, const char* side);
/// Closes by itself, at once.
std::unique_ptr<Shutter> make_shutter(const std::string& serial, const RigClock& clock);
/// `light` says what falls on them, `rate` the clicks a second of each.
std::vector<std::unique_ptr<Detector>> make_detectors(const std::vector<DetectorModel>& models,
                                                      const std::function<hal::LightLevel()>& light,
                                                      const std::function<Hertz(std::size_t)>& rate);
/// With role and name tagger, through the options' tap.
void add_tagger(hal::Rig& rig, std::unique_ptr<hal::TimeTagger> tagger, const WorldOptions& options);
/// As detector-0..
void add_detectors(hal::Rig& rig, std::vector<std::unique_ptr<Detector>> detectors);

}  // namespace nicol::sim
