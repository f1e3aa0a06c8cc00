// SPDX-License-Identifier: Apache-2.0
// What no single key can be blamed for: numbers that contradict each other.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "sim/optics/photon_number.hpp"
#include "sim/scenario/fields.hpp"

namespace nicol::sim {
namespace {

constexpr double kSlowestRecovered = 1e5;  // Hz

Error wrong(std::string message) { return {Code::bad_input, std::move(message), {}, 0, {}}; }

Result<void> check_photons(const Scenario::Source& source) {
  for (std::size_t state = 0; state < 4; ++state) {
    const auto photons = PhotonNumber::make(source.mean_photon_number[state], source.g2[state]);
    if (!photons.ok()) return wrong("source.g2: " + photons.error().message);
    if (photons->at_least_two() > source.p_multi + 1e-12)
      return wrong(fmt::format(
          "source.p_multi: expected an upper limit of at least {:.6g}, what mean_photon_number {} "
          "and g2 {} of state {} give, got {}",
          photons->at_least_two(), source.mean_photon_number[state], source.g2[state], state, source.p_multi));
  }
  return {};
}

Result<void> check_herald(const Scenario::Source& source) {
  if (source.type == SourceType::pulsed || makes_pairs(source.type)) {
    if (source.pair_probability > 0 || source.herald_efficiency > 0 || source.herald_dark_hz > 0)
      return wrong(
          "source.pair_probability: heralds belong to a heralded or motorised source; [source.pairs] says what an "
          "entangled one makes");
    return {};
  }
  if (source.pair_probability == 0 || source.herald_efficiency == 0)
    return wrong(
        "source.pair_probability: a heralded or motorised source needs pair_probability and "
        "herald_efficiency above 0");
  return {};
}

/// A mixture of the four Bell states has these visibilities: none of its shares may be negative.
Result<void> check_visibility(const std::array<double, 3>& v) {
  const double shares[] = {1 + v[0] + v[1] + v[2], 1 + v[0] - v[1] - v[2], 1 - v[0] + v[1] - v[2],
                           1 - v[0] - v[1] + v[2]};
  if (*std::min_element(std::begin(shares), std::end(shares)) > -1e-12) return {};
  return wrong(fmt::format(
      "source.pairs.visibility: no state of two photons has [{}, {}, {}]; a pure one has [1, 1, 1], noise lowers all "
      "three",
      v[0], v[1], v[2]));
}

Result<void> check_pairs(const Scenario::Source& source) {
  const Scenario::Source::Pairs& p = source.pairs;
  if (!makes_pairs(source.type)) {
    if (p.pairs_per_mw_s > 0 || p.pump_hz > 0)
      return wrong("source.pairs.pairs_per_mw_s: pairs belong to an entangled or entangled-pulsed source");
    return {};
  }
  if (p.pairs_per_mw_s == 0 || p.pump_mw == 0)
    return wrong("source.pairs.pairs_per_mw_s: an entangled source needs pairs_per_mw_s and pump_mw above 0");
  const bool pulsed = source.type == SourceType::entangled_pulsed;
  if (pulsed != (p.pump_hz > 0))
    return wrong("source.pairs.pump_hz: expected above 0 for an entangled-pulsed source, and for no other");
  if (pulsed && p.pairs_per_mw_s * p.pump_mw > 0.5 * p.pump_hz)
    return wrong(fmt::format("source.pairs.pump_mw: expected at most 0.5 pairs a pulse, got {:.3g}",
                             p.pairs_per_mw_s * p.pump_mw / p.pump_hz));
  return check_visibility(p.visibility);
}

Result<void> check_protocol(const Scenario& s) {
  const bool pairs = makes_pairs(s.source.type), bbm92 = s.protocol.kind == ProtocolKind::bbm92;
  if (pairs != bbm92)
    return wrong(fmt::format("protocol.kind: expected \"{}\" with this source.type", pairs ? "bbm92" : "bb84"));
  if (!pairs) return {};
  if (s.receiver.kind != hal::ReceiverKind::passive)
    return wrong("receiver.type: expected \"passive\" with an entangled source");
  if (s.protocol.length != "sp_variable") return wrong("protocol.length: expected \"sp_variable\" for pairs");
  return {};
}

Result<void> check_timing(const Scenario& s) {
  const double period_ns = 1e9 / s.source.rate_hz, half = s.timing.gate_ns / 2;
  if (s.timing.gate_ns >= period_ns)
    return wrong(fmt::format("timing.gate_ns: expected less than the slot period of {} ns, got {}", period_ns,
                             s.timing.gate_ns));
  if (makes_pairs(s.source.type)) return {};  // the gate is a coincidence window
  if (s.timing.slot_offset_ns - half < 0 || s.timing.slot_offset_ns + half > period_ns)
    return wrong(fmt::format("timing.slot_offset_ns: the gate must lie inside the slot: expected {} to {}, got {}",
                             half, period_ns - half, s.timing.slot_offset_ns));
  return {};
}

Result<void> check_sync(const Scenario& s) {
  if (s.timing.sync != SyncType::none)
    return makes_pairs(s.source.type) ? wrong(
                                            "timing.sync: coincidences tie the clocks together: expected \"none\" "
                                            "with an entangled source")
                                      : Result<void>();
  if (s.receiver.kind == hal::ReceiverKind::active)
    return wrong("timing.sync: an active receiver sets its basis by slot: expected pulses or pps, got none");
  if (s.source.rate_hz < kSlowestRecovered)
    return wrong(fmt::format("timing.sync: clicks alone tell slots of at most {} us: expected pulses or pps, got none",
                             1e6 / kSlowestRecovered));
  return {};
}

Result<void> check_rest(const Scenario& s) {
  for (const DetectorModel& d : s.alice.receiver.detectors)
    if (d.efficiency == 0) return wrong("alice.detector.efficiency: a detector that sees nothing makes no rig");
  for (const DetectorModel& d : s.receiver.detectors)
    if (d.efficiency == 0) return wrong("detector.efficiency: a detector that sees nothing makes no rig");
  if (s.protocol.length == "sp_variable" && s.source.p_multi > 0)
    return wrong(
        "protocol.length: sp_variable is for photons that are single by declaration (p_multi = 0); expected "
        "sps_g2");
  if (s.channel.fading_sigma > 0 && s.channel.type == ChannelType::fibre)
    return wrong("channel.fading_sigma: fading belongs to a free_space channel");
  return {};
}

}  // namespace

Result<void> validate(const Scenario& s) {
  for (const auto& check : {check_photons, check_herald, check_pairs})
    if (auto ok = check(s.source); !ok.ok()) return ok;
  for (const auto& check : {check_timing, check_sync, check_protocol, check_rest})
    if (auto ok = check(s); !ok.ok()) return ok;
  return {};
}

}  // namespace nicol::sim
