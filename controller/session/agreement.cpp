// SPDX-License-Identifier: Apache-2.0
// Comparisons of HELLO and BLOCK_OPEN with the own config; see agreement.hpp.
#include "controller/session/agreement.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace nicol::session {
namespace {

using Refusal = std::optional<std::string>;

template <class T>
Refusal differs(std::string_view field, const T& theirs, const T& mine) {
  if (theirs == mine) return std::nullopt;
  return fmt::format("{}: peer has {}, this side {}", field, theirs, mine);
}
template <class T>
Refusal above(std::string_view field, const T& theirs, const T& mine) {
  if (theirs <= mine) return std::nullopt;
  return fmt::format("{}: peer has {}, this side allows at most {}", field, theirs, mine);
}
template <class T>
Refusal below(std::string_view field, const T& theirs, const T& mine) {
  if (theirs >= mine) return std::nullopt;
  return fmt::format("{}: peer has {}, this side wants at least {}", field, theirs, mine);
}
template <std::size_t N>
Refusal first_of(const std::array<Refusal, N>& checks) {
  for (const Refusal& r : checks)
    if (r) return r;
  return std::nullopt;
}

std::string_view name(sifting::KeyBases k) { return k == sifting::KeyBases::both ? "both" : "rectilinear"; }
std::string_view name(detection::pairs::PairState s) {
  return s == detection::pairs::PairState::psi_minus ? "psi-minus" : "phi-plus";
}
std::string_view name(Side s) { return s == Side::alice ? "alice" : "bob"; }

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string out;
  for (const std::uint8_t b : bytes) out += fmt::format("{:02x}", b);
  return out;
}

}  // namespace

std::optional<std::string> weaker(const Agreement& theirs, const Agreement& mine) {
  using distillation::to_string;
  const auto &te = theirs.epsilon, &me = mine.epsilon;
  if (Refusal r = differs("protocol", to_string(theirs.protocol), to_string(mine.protocol))) return r;
  if (mine.protocol == Protocol::bbm92)
    if (Refusal r = first_of(std::array{
            differs("pairs.state", name(theirs.pairs.state), name(mine.pairs.state)),
            differs("pairs.slot_period", theirs.pairs.slot_period.count, mine.pairs.slot_period.count),
            differs("pairs.closed_tick", theirs.pairs.closed_tick.count, mine.pairs.closed_tick.count),
        }))
      return r;
  return first_of(std::array{
      below("tag_bits", theirs.tag_bits, mine.tag_bits),
      below("verification_bits", theirs.verification_bits, mine.verification_bits),
      above("epsilon.at", te.at, me.at),
      above("epsilon.pa", te.pa, me.pa),
      above("epsilon.ev", te.ev, me.ev),
      above("epsilon.mp", te.mp, me.mp),
      differs("length", to_string(theirs.length), to_string(mine.length)),
      differs("sample.key_bases", name(theirs.sample.key_bases), name(mine.sample.key_bases)),
      differs("sample.key_basis_share", theirs.sample.key_basis_share, mine.sample.key_basis_share),
      differs("sample.key_basis_minimum", theirs.sample.key_basis_minimum, mine.sample.key_basis_minimum),
      differs("p_alice_diagonal", theirs.p_alice_diagonal, mine.p_alice_diagonal),
      differs("p_bob_diagonal", theirs.p_bob_diagonal, mine.p_bob_diagonal),
      differs("pools.auth_high_water", theirs.pools.auth_high_water, mine.pools.auth_high_water),
      differs("pools.otp_share", theirs.pools.otp_share, mine.pools.otp_share),
      above("qber_abort", theirs.qber_abort, mine.qber_abort),
      below("minimum_key_bits", theirs.minimum_key_bits, mine.minimum_key_bits),
      differs("public slots", to_string(theirs.public_slots), to_string(mine.public_slots)),
  });
}

std::optional<std::string> refusal(const Hello& theirs, const Hello& mine) {
  using distillation::to_string;
  if (Refusal r = differs("protocol version", theirs.protocol, mine.protocol)) return r;
  if (theirs.side == mine.side)
    return fmt::format("side: peer is {0}, this side is {0} too (\"two {1}s\")", name(mine.side),
                       mine.side == Side::alice ? "Alice" : "Bob");
  if (Refusal r = first_of(std::array{
          differs("pre-shared key", hex(theirs.preshared_fingerprint), hex(mine.preshared_fingerprint)),
          differs("pool class", to_string(theirs.pool_class), to_string(mine.pool_class)),
          differs("origin", to_string(theirs.origin), to_string(mine.origin)),
      }))
    return r;
  return weaker(theirs.agreement, mine.agreement);
}

std::optional<std::string> unusable(const SessionConfig& config, distillation::Origin pool_class) {
  using distillation::to_string;
  const Agreement& a = config.agreement;
  if (config.origin != pool_class)
    return fmt::format("origin: this node makes {} keys, its pools are {}", to_string(config.origin),
                       to_string(pool_class));
  if (a.tag_bits < 32 || a.tag_bits > 128 || a.tag_bits % 8 != 0)
    return fmt::format("tag_bits: {} (32 to 128 in whole bytes expected)", a.tag_bits);
  if (a.verification_bits < 32 || a.verification_bits > 128 || a.verification_bits % 8 != 0)
    return fmt::format("verification_bits: {} (32 to 128 in whole bytes expected)", a.verification_bits);
  if (a.protocol == Protocol::bbm92 && a.length != distillation::LengthFunction::sp_variable)
    return fmt::format("length: {} (sp_variable expected where pairs are shared)", to_string(a.length));
  if (a.protocol == Protocol::bbm92 && closed_ticks(a) == 0)
    return fmt::format("pairs: {} slots of {} ps in ticks of {} ps", a.block_slots, a.pairs.slot_period.count,
                       a.pairs.closed_tick.count);
  if (a.public_slots)
    if (const auto pattern = pattern_for(*a.public_slots, 0, a.block_slots); !pattern)
      return fmt::format("public slots: {}", pattern.error().message);
  return std::nullopt;
}

std::uint64_t closed_ticks(const Agreement& agreement) {
  __extension__ using Wide = __int128;
  constexpr Wide most = Wide{1} << 62;
  const Wide period = agreement.pairs.slot_period.count, tick = agreement.pairs.closed_tick.count;
  if (period <= 0 || tick <= 0) return 0;
  const Wide length = static_cast<Wide>(agreement.block_slots) * period;
  return length > most ? 0 : static_cast<std::uint64_t>((length + tick - 1) / tick) + 1;
}

namespace {

/// Both sides detect: the worse of each, and measured only where both are.
void both_receive(distillation::LengthInputs& in, const Hello& alice, const Hello& bob) {
  const hal::DeviceModel &a = alice.model, &b = bob.model;
  const bool measured =
      a.mismatch_provenance == hal::Provenance::measured && b.mismatch_provenance == hal::Provenance::measured;
  if (alice.receiver == hal::ReceiverKind::passive) in.receiver = hal::ReceiverKind::passive;
  in.model.basis_independent_detection = a.basis_independent_detection && b.basis_independent_detection;
  in.model.efficiency_mismatch = std::max(a.efficiency_mismatch, b.efficiency_mismatch);
  in.model.mismatch_provenance = measured ? hal::Provenance::measured : hal::Provenance::declared;
}

/// What Bob's detectors measured of her light stands in the place of what she declares of it; where that is less than
/// all, the larger of both.
void take_source(distillation::LengthInputs& in, const hal::DeviceModel& bob) {
  if (bob.source_provenance == hal::Provenance::measured) {
    in.model.p_multi = bob.p_multi;
    in.model.mean_photon_number = bob.mean_photon_number;
    in.model.g2 = bob.g2;
    in.model.source_provenance = bob.source_provenance;
  }
  in.model.p_multi = std::max(in.model.p_multi, bob.p_multi);
  in.p_multi = in.model.p_multi;
}

/// Bob looks at what Alice prepares: the worse of what either of them says.
void take_preparation(distillation::LengthInputs& in, const hal::DeviceModel& seen) {
  if (seen.preparation_provenance != hal::Provenance::measured) return;
  if (seen.preparation_error_rad < in.model.preparation_error_rad) return;
  in.model.preparation_error_rad = seen.preparation_error_rad;
  in.model.preparation_provenance = hal::Provenance::measured;
}

}  // namespace

distillation::LengthInputs length_inputs(const Agreement& agreement, const Hello& alice, const Hello& bob) {
  distillation::LengthInputs in;
  in.function = agreement.length;
  in.key_bases = agreement.sample.key_bases;
  in.epsilon = agreement.epsilon;
  in.p_multi = alice.model.p_multi;
  in.p_alice_diagonal = agreement.p_alice_diagonal;
  in.p_bob_diagonal = agreement.p_bob_diagonal;
  in.receiver = bob.receiver;
  in.model = alice.model;
  in.model.simulated = alice.model.simulated || bob.model.simulated;
  in.model.basis_independent_detection = bob.model.basis_independent_detection;
  in.model.efficiency_mismatch = bob.model.efficiency_mismatch;
  in.model.mismatch_provenance = bob.model.mismatch_provenance;
  if (agreement.protocol != Protocol::bbm92) {
    take_source(in, bob.model);
    take_preparation(in, bob.model);
  }
  // A HELLO does not carry them: each side's keys name its own.
  in.model.calibrations.insert(in.model.calibrations.end(), bob.model.calibrations.begin(),
                               bob.model.calibrations.end());
  in.qber_abort = agreement.qber_abort;
  in.verification_bits = agreement.verification_bits;
  if (agreement.protocol == Protocol::bbm92) both_receive(in, alice, bob);
  return in;
}

}  // namespace nicol::session
