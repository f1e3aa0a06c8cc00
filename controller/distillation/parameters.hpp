// SPDX-License-Identifier: Apache-2.0
// What a block agrees on before its first photon: length function, every epsilon, device facts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/sifting/sifting.hpp"
#include "drivers/hal/rig.hpp"

namespace nicol::distillation {

using detection::Basis;
using secret::BitString;
using secret::PublicBits;
using sifting::KeyBases;
using sifting::LeakLedger;
using sifting::Side;

enum class LengthFunction : std::uint8_t { sp_variable, sps_g2 };
std::string_view to_string(LengthFunction f) noexcept;

/// DESIGN.md 6, defaults. tag_bits: one-time tags of the session; verification_bits: tag of the verification hash.
struct Epsilons {
  double at = 2.5e-11, pa = 2.5e-11, ev = 2.5e-11, mp = 2.5e-11;
  bool operator==(const Epsilons&) const = default;
};

struct LengthInputs {
  LengthFunction function = LengthFunction::sp_variable;
  KeyBases key_bases = KeyBases::rectilinear;
  Epsilons epsilon;
  double p_multi = 0;  // per kept slot (sps_g2)
  double p_alice_diagonal = 0.5, p_bob_diagonal = 0.5;
  hal::ReceiverKind receiver = hal::ReceiverKind::passive;
  hal::DeviceModel model;
  double qber_abort = 0.11;  // abort when the one-sided 1e-6 lower limit of a basis exceeds it
  unsigned verification_bits = 64;
};

}  // namespace nicol::distillation
