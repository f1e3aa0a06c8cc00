// SPDX-License-Identifier: Apache-2.0
// Cascade's parameters as data: block sizes of the shuffled passes, and how many random subsets confirm that no error
// is left. Bob alone decides them (an ask names its ranges); Alice only bounds what she answers.
#pragma once

#include <cstdint>

namespace nicol::distillation::detail {

/// Measured at n = 1e5, QBER 2 %: f 1.056 in 92 rounds; second = 8 gives f 1.045 in 190 (Martinez-Mateo et al.,
/// "Demystifying the information reconciliation protocol Cascade", 2015, compares such schedules).
struct CascadeSchedule {
  double first = 0.7;        // expected errors in a block of the first pass, before rounding to a power of two
  std::uint32_t second = 4;  // block sizes of the shuffled passes, in blocks of the first
  std::uint32_t third = 64;
  std::uint32_t conflict = 4;        // searches up to this times the smallest open one go on beside it
  std::uint32_t confirmations = 16;  // subset parities in a row that must agree: residual error unseen with 2^-16
  std::uint32_t confirmations_per_round = 8;
};
inline constexpr CascadeSchedule kSchedule;

/// Pass 0 is unpermuted, passes 1 and 2 are shuffled, later ones random subsets.
inline constexpr std::uint32_t kShuffledPasses = 3;
inline constexpr std::uint32_t kMaximumSubsets = 128;
inline constexpr std::uint32_t kMaximumPasses = kShuffledPasses + kMaximumSubsets;

/// Twice the size that an expected QBER asks for: pass 0 halves its blocks once it has seen how many are odd, at no
/// cost in parities, so that a wrong expectation costs rounds only. A power of two, at most the block.
std::uint32_t first_block(double expected_qber, std::uint32_t bits, const CascadeSchedule& schedule);

struct BlockCount {
  std::uint32_t size = 0;
  std::uint64_t odd = 0, all = 0;
};
/// Mean error rate given the expectation, weighed like 200 sampled bits, and how many blocks hold an odd number of
/// errors: each does with (1 - (1-2q)^k)/2.
double measured_rate(double expected_qber, const BlockCount& blocks);
/// Halve again?
bool too_coarse(double expected_qber, const BlockCount& blocks, const CascadeSchedule& schedule);

/// Alice answers no more parities than this for one block; an honest corrector gives up before.
constexpr std::uint64_t parity_limit(std::uint64_t bits) { return 2 * bits + 256; }

}  // namespace nicol::distillation::detail
