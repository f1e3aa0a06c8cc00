// SPDX-License-Identifier: Apache-2.0
// A simulated rig, one half a process: Alice's half owns source, fibre and Eve; Bob's RigClock follows her light, which
// comes over a Unix socket that only the simulator knows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

#include "drivers/hal/rig.hpp"
#include "sim/devices/compensator.hpp"
#include "sim/eve/eve.hpp"
#include "sim/scenario/scenario.hpp"

namespace nicol::sim {

struct WorldOptions {
  Scenario scenario;
  std::uint64_t seed = 0;
  EveOptions eve;
  double speed = 0;             // 0 = as fast as it goes, 1 = real time
  std::filesystem::path light;  // the socket's path; Alice listens, Bob connects at every tagger start
  /// Plates that somebody else turns (an emulated mount); else the scenario's, on simulated motors of Bob's rig.
  CompensatorOptics turned_elsewhere = {};
  /// Wraps each tagger as it enters its rig (to keep its tags); empty: none.
  std::function<std::unique_ptr<hal::TimeTagger>(std::unique_ptr<hal::TimeTagger>, const hal::TimingLayout&)> tap = {};
  std::filesystem::path pump = {};  // entangled: the socket of a source at a third place; empty: it stands at Alice
  /// Entangled: pairs a second that a pump and an oven elsewhere at Alice (emulated ones) make at rig time t; empty:
  /// simulated ones. Called by whichever thread asks the tagger for tags.
  std::function<double(Picoseconds)> pumped_elsewhere = {};
};

/// Roles: Alice: source, tagger (heralded: channel roles herald, sync, frame), shutter, waveplate (motorised).
/// With an entangled source Alice has pump, oven, shutter, tagger and detector-0.. instead; see pair_world.hpp.
/// Bob: tagger, detector-0.., shutter, waveplate (active), compensator-0.. .
Result<std::unique_ptr<hal::Rig>> make_alice_rig(const WorldOptions& options);
Result<std::unique_ptr<hal::Rig>> make_bob_rig(const WorldOptions& options);
/// Eve's notebook of an Alice rig made here, else nullptr; not to be read while slots are emitted. Ordinary memory,
/// said so in SECURITY.md.
const EveRecord* eve_record(const hal::Rig& alice_rig);

}  // namespace nicol::sim
