// SPDX-License-Identifier: Apache-2.0
// Verified to pending: length from the ledger, Toeplitz hash y_i = XOR_j s[i-j+N-1] x_j, check value cut off.
#pragma once

#include <span>
#include <string>

#include "controller/distillation/blocks.hpp"
#include "controller/secret/arena.hpp"

namespace nicol::distillation {

/// The length of this block and why; secret_bits = max(0, ell - 32). Never more than the asymptotic Shor-Preskill value
/// (that would be an internal error). abort "no proof for this receiver" / "preparation outside the proof" per
/// DESIGN 6.
struct LengthDecision {
  KeyLength length;                     // bits = floor(ell) of the whole output
  std::uint64_t output_bits = 0;        // ell, 0 when no key
  std::uint64_t secret_bits = 0;        // output_bits - 32, 0 when output_bits <= 32
  std::array<double, 2> phase_bound{};  // NaN where that basis makes no key; index = key basis
  std::vector<std::string> notes;
  std::string keylength_case;  // the case as `nicol keylength` takes it: a JSON text {"function","inputs":{…}}
};
Result<LengthDecision> decide_length(const BlockFacts& facts);
/// sec and cor of a key made with these inputs; total = sec + cor until the session adds auth and cumulative.
EpsilonRecord security_of(const LengthInputs& inputs) noexcept;

inline constexpr std::uint64_t kCheckBits = 32;

/// Toeplitz on packed words. seed: N+L-1 bits; out: L bits, unused bits zero. scratch from the arena.
enum class CarrylessKernel : std::uint8_t { portable, pclmul, vpclmul };
std::string_view to_string(CarrylessKernel k) noexcept;
/// The best this machine has; every path gives the same bits.
CarrylessKernel best_kernel() noexcept;
std::vector<CarrylessKernel> available_kernels();
void toeplitz(std::span<const std::uint64_t> seed, std::span<const std::uint64_t> input, std::uint64_t input_bits,
              std::uint64_t output_bits, std::span<std::uint64_t> out, std::span<std::uint64_t> scratch,
              CarrylessKernel kernel);
std::size_t toeplitz_scratch_words(std::uint64_t input_bits, std::uint64_t output_bits);

/// seed: input_bits + output_bits - 1 fresh bits, public. The record gets id, check value and bits; the session fills
/// in origin and the authentication part of epsilon.
Result<PendingKey> amplify(VerifiedBlock&& block, const LengthDecision& decision, const PublicBits& seed, KeyId id,
                           secret::Arena& arena);
PublicBits draw_seed(std::uint64_t bits, Random& random, std::uint64_t block_index);

}  // namespace nicol::distillation
