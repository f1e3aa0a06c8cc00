// SPDX-License-Identifier: Apache-2.0
#include "sim/devices/rig_parts.hpp"

#include <fmt/core.h>

#include "sim/devices/timing.hpp"

namespace nicol::sim {
namespace {

DetectorConfig detector_config(const DetectorModel& m, std::size_t i) {
  DetectorConfig config;
  config.serial = fmt::format("detector-{}", i);
  config.info.efficiency = m.efficiency;
  config.info.dark_rate = {m.dark_hz};
  config.info.rate_limit = {m.rate_limit_hz};
  config.info.dead_time = {static_cast<std::int64_t>(m.dead_time_ns * 1e3)};
  return config;
}

}  // namespace

std::unique_ptr<hal::Rig> bare_rig(const WorldOptions& options, const char* side) {
  auto rig = std::make_unique<hal::Rig>();
  rig->clock = make_virtual_rig_clock();
  rig->model = device_model(options.scenario);
  rig->description = fmt::format("simulated {}: {}", side, options.scenario.name);
  return rig;
}

std::unique_ptr<Shutter> make_shutter(const std::string& serial, const RigClock& clock) {
  // No travel time: a virtual clock stands still while nobody emits, and so would the blade.
  return std::make_unique<Shutter>(ShutterConfig{serial, CablePulled::closes, Picoseconds{0}}, clock);
}

std::vector<std::unique_ptr<Detector>> make_detectors(const std::vector<DetectorModel>& models,
                                                      const std::function<hal::LightLevel()>& light,
                                                      const std::function<Hertz(std::size_t)>& rate) {
  std::vector<std::unique_ptr<Detector>> detectors;
  for (std::size_t i = 0; i < models.size(); ++i)
    detectors.push_back(
        std::make_unique<Detector>(detector_config(models[i], i), light, [rate, i] { return rate(i); }));
  return detectors;
}

void add_tagger(hal::Rig& rig, std::unique_ptr<hal::TimeTagger> tagger, const WorldOptions& options) {
  if (options.tap) tagger = options.tap(std::move(tagger), rig.timing);
  rig.add("tagger", "tagger", std::move(tagger));
}

void add_detectors(hal::Rig& rig, std::vector<std::unique_ptr<Detector>> detectors) {
  for (std::size_t i = 0; i < detectors.size(); ++i)
    rig.add(fmt::format("detector-{}", i), fmt::format("detector-{}", i), std::move(detectors[i]));
}

}  // namespace nicol::sim
