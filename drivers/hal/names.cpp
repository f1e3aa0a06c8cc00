// SPDX-License-Identifier: Apache-2.0
// The names of the HAL's enumerations, as logs, files and faces show them.
#include <array>
#include <cstddef>

#include "drivers/hal/device.hpp"
#include "drivers/hal/instruments.hpp"
#include "drivers/hal/photon_source.hpp"
#include "drivers/hal/time_tagger.hpp"

namespace nicol::hal {
namespace {

template <class Enum, std::size_t N>
std::string_view name_of(const std::array<std::string_view, N>& names, Enum value) noexcept {
  const auto i = static_cast<std::size_t>(value);
  return i < N ? names[i] : "unknown";
}

constexpr std::array<std::string_view, 11> kKinds = {"rotation stage", "polarization controller",
                                                     "photon source",  "time tagger",
                                                     "detector",       "counter",
                                                     "power meter",    "attenuator",
                                                     "shutter",        "temperature controller",
                                                     "digital io"};
constexpr std::array<std::string_view, 3> kLinks = {"connected", "disconnected", "faulted"};
constexpr std::array<std::string_view, 8> kRoles = {"none",  "detector", "herald", "sync",
                                                    "frame", "pps",      "gate",   "monitor"};
constexpr std::array<std::string_view, 6> kStreams = {"ok",           "timeout", "overflow",
                                                      "disconnected", "stopped", "corrupt"};
constexpr std::array<std::string_view, 3> kLight = {"off", "alignment", "quantum"};
constexpr std::array<std::string_view, 5> kEmission = {"off", "armed", "emitting", "tripped", "unknown"};
constexpr std::array<std::string_view, 4> kShutters = {"closed", "open", "moving", "unknown"};

}  // namespace

std::string_view to_string(DeviceKind kind) noexcept { return name_of(kKinds, kind); }
std::string_view to_string(Link link) noexcept { return name_of(kLinks, link); }
std::string_view to_string(ChannelRole role) noexcept { return name_of(kRoles, role); }
std::string_view to_string(StreamStatus status) noexcept { return name_of(kStreams, status); }
std::string_view to_string(LightLevel level) noexcept { return name_of(kLight, level); }
std::string_view to_string(EmissionState state) noexcept { return name_of(kEmission, state); }
std::string_view to_string(ShutterState state) noexcept { return name_of(kShutters, state); }

}  // namespace nicol::hal
