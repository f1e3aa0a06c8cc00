// SPDX-License-Identifier: Apache-2.0
#include "controller/service/pair_source.hpp"

#include <fmt/format.h>

#include "controller/service/receiver.hpp"

namespace nicol::service {

hal::PhotonSource* light_source(const hal::Rig& rig) {
  if (auto* source = rig.find<hal::PhotonSource>("source")) return source;
  return rig.find<hal::PhotonSource>("pump");
}

Result<void> warm_oven(hal::Rig& rig) {
  constexpr Picoseconds slice = Picoseconds::seconds(0.05);
  auto* oven = rig.find<hal::TemperatureController>("oven");
  if (oven == nullptr) return {};
  if (auto on = oven->enable(); !on) return on;
  const SteadyDeadlines steady;
  for (const Deadline until = steady.in(std::chrono::milliseconds(200)); !steady.passed(until);
       rig.clock->advance_to(rig.clock->now() + slice)) {
    const auto warm = oven->settled();
    if (!warm) return warm.error();
    if (*warm) return {};
  }
  const auto now = oven->temperature();
  return Error{Code::busy,
               fmt::format("the oven is not at its temperature yet ({:.2f} C)", now ? now->value : 0.0),
               oven->info().serial,
               0,
               {}};
}

Result<void> light_pairs(hal::Rig& rig) {
  auto* pump = rig.find<hal::PhotonSource>("pump");
  if (pump == nullptr) return {};
  if (auto level = pump->set_light_level(hal::LightLevel::quantum); !level) return level;
  const auto emission = pump->emission();
  if (!emission) return emission.error();
  return *emission == hal::EmissionState::emitting ? Result<void>() : pump->enable_emission();
}

void rest_pairs(hal::Rig& rig) noexcept { Receiver::close(rig); }

void dark_pairs(hal::Rig& rig) noexcept {
  rest_pairs(rig);
  if (auto* pump = rig.find<hal::PhotonSource>("pump")) pump->disable_emission();
}

}  // namespace nicol::service
