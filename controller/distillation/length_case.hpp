// SPDX-License-Identifier: Apache-2.0
// From the public facts of a block to the inputs of the length formula, and to the text that `nicol keylength` takes.
#pragma once

#include <string>
#include <variant>

#include "controller/distillation/blocks.hpp"

namespace nicol::distillation {

using LengthCase = std::variant<SpVariableInputs, SpsG2Inputs>;

Result<KeyLength> evaluate(const LengthCase& length_case);
/// {"function":…,"inputs":{…}}, doubles that read back to the same value.
std::string to_json(const LengthCase& length_case);

/// Unequal efficiencies that a length must pay for (DESIGN.md 6, defaults): declared above 0, or measured and not
/// compatible with 0.
bool mismatch_present(const hal::DeviceModel& model) noexcept;

/// The case of a key made in `key_basis` alone: its phase errors bounded from the sample of the other basis and from
/// nothing else. share: part of the squared tail probabilities that this basis may use (1, or 1/2 with two bases).
/// leak_ec is the ledger's whole cost. Error refused where a mismatch has no proof.
Result<LengthCase> length_case(const BlockFacts& facts, Basis key_basis, double share);

/// n(1 - q) in whole bits, rounded up (amendment 12): cost of the ledger class `preparation`.
std::uint64_t preparation_cost(std::uint64_t key_bits, const hal::DeviceModel& model) noexcept;

}  // namespace nicol::distillation
