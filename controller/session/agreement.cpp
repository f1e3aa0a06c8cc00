// SPDX-License-Identifier: Apache-2.0
// Comparisons of HELLO and BLOCK_OPEN with the own config; see agreement.hpp.
#include "controller/session/agreement.hpp"

#include <fmt/core.h>

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
  return std::nullopt;
}

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
  in.qber_abort = agreement.qber_abort;
  in.verification_bits = agreement.verification_bits;
  return in;
}

}  // namespace nicol::session
