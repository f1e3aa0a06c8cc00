// SPDX-License-Identifier: Apache-2.0
// Rigs around a source of entangled pairs: Alice's, and that of a third place where the source stands by itself.
#pragma once

#include <memory>

#include "sim/devices/pump_link.hpp"
#include "sim/devices/world.hpp"

namespace nicol::sim {

/// Alice's half: tagger, detector-0.., and beside the source pump, oven and its shutter. Where `options.pump` names the
/// socket of a source elsewhere: a shutter of her receiver, and neither pump nor oven.
Result<std::unique_ptr<hal::Rig>> make_pair_alice_rig(const WorldOptions& options);

/// A source at a third place: pump, oven, shutter; no tagger, no key. Its world answers Alice on `options.pump`.
struct SourcePlace {
  std::unique_ptr<hal::Rig> rig;
  std::unique_ptr<PumpSender> light;
  PumpSender::Shine shine;  // of `rig`; moves its clock with Alice's
};
Result<SourcePlace> make_source_place(const WorldOptions& options);

}  // namespace nicol::sim
