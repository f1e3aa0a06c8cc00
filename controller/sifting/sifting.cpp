// SPDX-License-Identifier: Apache-2.0
// Comparing bases, word by word: both sides derive the same masks from the same two public strings.
#include "controller/sifting/sifting.hpp"

#include <fmt/core.h>

#include <bit>
#include <stdexcept>

#include "controller/sifting/validation.hpp"

namespace nicol::sifting {
namespace {

/// Bases are public by protocol (DESIGN.md 6.3, 6.4): no entry in the ledger.
PublicBits bases_in_public(const BitString& bases) {
  PublicBits out(bases.size());
  bases.with_read(
      [&](std::span<const std::uint64_t> words) { std::copy(words.begin(), words.end(), out.words().begin()); });
  return out;
}

/// Over kept entries: both rectilinear, both diagonal, different.
struct Masks {
  std::array<PublicBits, 2> same;
  PublicBits mismatched;
};
Masks compare(const PublicBits& alice, const PublicBits& bob) {
  Masks m{{PublicBits(alice.size()), PublicBits(alice.size())}, PublicBits(alice.size())};
  for (std::size_t i = 0; i < alice.words().size(); ++i) {
    const std::uint64_t a = alice.words()[i], b = bob.words()[i];
    m.same[0].words()[i] = ~(a | b);
    m.same[1].words()[i] = a & b;
    m.mismatched.words()[i] = a ^ b;
  }
  if (alice.size() % 64 != 0) m.same[0].words().back() &= (std::uint64_t{1} << (alice.size() % 64)) - 1;
  return m;
}

/// Writes a mask bit by bit, a word at a time.
struct Marks {
  std::uint64_t* words;
  std::size_t at = 0;
  std::uint64_t word = 0;

  void mark(std::uint64_t bit, std::size_t advance) {
    word |= bit << (at % 64);
    at += advance;
    if (advance == 0 || at % 64 != 0) return;
    words[at / 64 - 1] = word;
    word = 0;
  }
  void end() {
    if (at % 64 != 0) words[at / 64] = word;
  }
};

/// Both slot lists grow strictly: one walk over both marks what they share.
struct Shared {
  PublicBits in_list, in_prepared;
};
Shared join(const std::vector<std::uint64_t>& list, const std::vector<std::uint64_t>& prepared) {
  Shared shared{PublicBits(list.size()), PublicBits(prepared.size())};
  Marks a{shared.in_list.words().data()}, b{shared.in_prepared.words().data()};
  const std::uint64_t *const x = list.data(), *const y = prepared.data();
  while (a.at < list.size() && b.at < prepared.size()) {
    const std::uint64_t bobs = x[a.at], hers = y[b.at], equal = bobs == hers ? 1 : 0;
    a.mark(equal, bobs <= hers ? 1 : 0);
    b.mark(equal, hers <= bobs ? 1 : 0);
  }
  a.end();
  b.end();
  return shared;
}

Mismatched agreements(const PublicBits& alice_bases, const PublicBits& alice_bits, const PublicBits& bob_bits) {
  std::array<std::uint64_t, 2> all{}, different{};
  for (std::size_t i = 0; i < alice_bits.words().size(); ++i) {
    const std::uint64_t basis = alice_bases.words()[i], d = alice_bits.words()[i] ^ bob_bits.words()[i];
    all[1] += static_cast<std::uint64_t>(std::popcount(basis));
    different[0] += static_cast<std::uint64_t>(std::popcount(d & ~basis));
    different[1] += static_cast<std::uint64_t>(std::popcount(d & basis));
  }
  all[0] = alice_bits.size() - all[1];
  return {{all[0] - different[0], all[1] - different[1]}, different};
}

}  // namespace

/// The one maker of SiftedBlocks.
struct Sifter {
  /// bits: of the kept entries.
  static SiftedBlock make(Side side, const Masks& masks, const BitString& bits, std::uint64_t slots_kept_total) {
    SiftedBlock block;
    block.side_ = side;
    for (const Basis b : detection::kBases)
      block.bits_[detection::index(b)] = bits.extract(masks.same[detection::index(b)]);
    block.slots_kept_total_ = slots_kept_total;
    block.ledger_.add(LeakClass::mismatched, masks.mismatched.popcount(), 0);
    return block;
  }
};

std::uint64_t DetectionList::dropped_slots() const noexcept {
  std::uint64_t n = 0;
  for (const detection::SlotRange& r : dropped) n += r.end - r.begin;
  return n;
}

DetectionList announce(detection::Clicks& clicks) {
  return {std::move(clicks.slots), bases_in_public(clicks.bases), std::move(clicks.dropped)};
}

Result<AliceSift> sift_alice(detection::Clicks&& prepared, std::uint64_t block_slots, std::uint64_t slots_prepared,
                             const DetectionList& list) {
  const detection::Clicks mine = std::move(prepared);
  if (slots_prepared < mine.slots.size())
    throw std::logic_error(fmt::format("{} slots prepared, but {} at hand", slots_prepared, mine.slots.size()));
  if (auto ok = check_list(list, block_slots); !ok) return std::move(ok).error();
  Shared shared = join(list.slots, mine.slots);
  PublicBits bases = bases_in_public(mine.bases.extract(shared.in_prepared));
  const BitString bits = mine.bits.extract(shared.in_prepared);
  const Masks masks = compare(bases, list.bases.extract(shared.in_list));
  SiftedBlock block = Sifter::make(Side::alice, masks, bits, slots_prepared);
  PublicBits mismatched = bits.disclose(masks.mismatched);
  return AliceSift{std::move(block),
                   {std::move(shared.in_list), std::move(bases), std::move(mismatched), slots_prepared}};
}

Result<BobSift> sift_bob(detection::Clicks&& clicks, const BasesReply& reply) {
  const detection::Clicks mine = std::move(clicks);
  if (auto ok = check_reply(reply, mine.bits.size()); !ok) return std::move(ok).error();
  const Masks masks = compare(reply.bases, bases_in_public(mine.bases.extract(reply.kept)));
  if (auto ok = check_bits(reply.mismatched_bits, masks.mismatched.popcount(), "Alice's mismatched bits"); !ok)
    return std::move(ok).error();
  const BitString bits = mine.bits.extract(reply.kept);
  SiftedBlock block = Sifter::make(Side::bob, masks, bits, reply.slots_kept_total);
  PublicBits mismatched = bits.disclose(masks.mismatched);
  const Mismatched correlators = agreements(reply.bases.extract(masks.mismatched), reply.mismatched_bits, mismatched);
  return BobSift{std::move(block), std::move(mismatched), correlators};
}

Result<Mismatched> correlate(const BasesReply& mine, const DetectionList& list, const PublicBits& bob_mismatched) {
  if (auto ok = check_bits(list.bases, mine.kept.size(), "bases of the detection list"); !ok)
    return std::move(ok).error();
  const PublicBits mismatched = compare(mine.bases, list.bases.extract(mine.kept)).mismatched;
  if (auto ok = check_bits(bob_mismatched, mine.mismatched_bits.size(), "Bob's mismatched bits"); !ok)
    return std::move(ok).error();
  return agreements(mine.bases.extract(mismatched), mine.mismatched_bits, bob_mismatched);
}

}  // namespace nicol::sifting
