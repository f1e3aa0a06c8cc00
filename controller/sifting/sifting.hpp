// SPDX-License-Identifier: Apache-2.0
// Clicks to sifted bits: bases compared, mismatches disclosed and dropped, samples drawn by fresh coins.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "controller/detection/clicks.hpp"
#include "controller/sifting/leak_ledger.hpp"
#include "drivers/hal/random.hpp"

namespace nicol::sifting {

using detection::Basis;
using secret::BitString;
using secret::PublicBits;

/// D: what Bob announces after his last detection. One entry a click.
struct DetectionList {
  std::vector<std::uint64_t> slots;  // strictly increasing
  PublicBits bases;                  // 1 = diagonal
  std::vector<detection::SlotRange> dropped;
  bool operator==(const DetectionList&) const = default;
  std::uint64_t dropped_slots() const noexcept;  // how many slots `dropped` covers
};
/// Takes the slot numbers and dropped ranges out of his clicks: sift_bob() needs the bases and bits alone.
DetectionList announce(detection::Clicks& clicks);

/// Alice's answer, one entry per entry of D. mismatched_bits: her bits where kept and bases differ, in order.
struct BasesReply {
  PublicBits kept;   // 0: she never prepared (or dropped) that slot
  PublicBits bases;  // of kept entries only, in order
  PublicBits mismatched_bits;
  std::uint64_t slots_kept_total = 0;  // N of the key length: all slots Alice kept in the block (drops not subtracted)
  bool operator==(const BasesReply&) const = default;
};

/// Agreements of the mismatched bases (correlators E(a,b)): same and different counts, [Alice basis].
struct Mismatched {
  std::array<std::uint64_t, 2> same{}, different{};
};

enum class Side : std::uint8_t { alice, bob };

/// Move-only, made by sift_alice() and sift_bob() alone. bits(b): the sifted bits of basis b in slot order.
class SiftedBlock {
 public:
  SiftedBlock(SiftedBlock&&) noexcept = default;
  SiftedBlock& operator=(SiftedBlock&&) noexcept = default;
  Side side() const { return side_; }
  std::size_t size(Basis b) const { return bits_[detection::index(b)].size(); }
  const BitString& bits(Basis b) const { return bits_[detection::index(b)]; }
  BitString take_bits(Basis b) { return std::move(bits_[detection::index(b)]); }
  std::uint64_t slots_kept_total() const { return slots_kept_total_; }
  LeakLedger& ledger() { return ledger_; }
  const LeakLedger& ledger() const { return ledger_; }

 private:
  SiftedBlock() = default;
  friend struct Sifter;
  Side side_ = Side::alice;
  std::array<BitString, 2> bits_;
  std::uint64_t slots_kept_total_ = 0;
  LeakLedger ledger_;
};

struct AliceSift {
  SiftedBlock block;
  BasesReply reply;
};
/// Alice: her kept slots against D. slots_prepared = all slots she kept in the block (heralded ones), for N.
/// bad_input when D is malformed (unsorted, slot outside the block, sizes differ, click inside a dropped range).
Result<AliceSift> sift_alice(detection::Clicks&& prepared, std::uint64_t block_slots, std::uint64_t slots_prepared,
                             const DetectionList& list);
struct BobSift {
  SiftedBlock block;
  PublicBits mismatched_bits;
  Mismatched correlators;
};
/// Bob: his clicks against her answer.
Result<BobSift> sift_bob(detection::Clicks&& clicks, const BasesReply& reply);
/// Alice's side of the correlators, from Bob's disclosed mismatched bits.
Result<Mismatched> correlate(const BasesReply& mine, const DetectionList& list, const PublicBits& bob_mismatched);

/// Which bits of each basis are disclosed. Bit i belongs to sifted bit i of that basis.
struct SampleCoins {
  std::array<PublicBits, 2> sample;
  std::array<double, 2> share{};  // probability of one coin (r of amendment 4 for the sample part)
  bool operator==(const SampleCoins&) const = default;
};
enum class KeyBases : std::uint8_t { rectilinear, both };
struct SamplePlan {
  KeyBases key_bases = KeyBases::rectilinear;
  double key_basis_share = 0.10;  // of a key basis, disclosed for its QBER
  std::size_t key_basis_minimum = 200;
};
/// Probability of a sample coin: 1 for a basis that makes no key, else the larger of key_basis_share and
/// key_basis_minimum / sifted, at most 1, rounded up to a multiple of 2^-32.
double planned_share(const SamplePlan& plan, Basis basis, std::size_t sifted);
SampleCoins draw_coins(const SiftedBlock& block, const SamplePlan& plan, Random& random, std::uint64_t block_index);
/// bad_input unless sizes and shares are what the plan gives for this block. For who receives the coins.
Result<void> check_coins(const SampleCoins& coins, const SiftedBlock& block, const SamplePlan& plan);
/// The sampled bits of both bases, concatenated rectilinear then diagonal; entered in the ledger.
PublicBits disclose_sample(SiftedBlock& block, const SampleCoins& coins);

}  // namespace nicol::sifting
