// SPDX-License-Identifier: Apache-2.0
// Verified to pending: the Toeplitz hash of the whole block in one arena scope, its last 32 bits cut off as the public
// check value.
#include "controller/distillation/amplification.hpp"

#include <cmath>
#include <numbers>
#include <span>

namespace nicol::distillation {

struct AmplificationStage {
  static BitString take_raw(VerifiedBlock&& block) { return std::move(block.raw_); }
  static PendingKey pending(BitString bits, KeyRecord record) { return PendingKey(std::move(bits), std::move(record)); }
};

namespace {

Error refuse(Code code, std::string message) { return {code, std::move(message), {}, 0, {}}; }

/// Null where the three sizes fit together.
std::optional<Error> mismatch(const VerifiedBlock& block, const LengthDecision& decision, const PublicBits& seed) {
  if (decision.output_bits <= kCheckBits || decision.output_bits > block.size())
    return refuse(Code::refused,
                  "no key of " + std::to_string(decision.output_bits) + " bits from " + std::to_string(block.size()));
  if (decision.secret_bits != decision.output_bits - kCheckBits)
    return refuse(Code::internal, "the decided length does not leave out the check value");
  if (seed.size() != block.size() + decision.output_bits - 1)
    return refuse(Code::bad_input, "Toeplitz seed of " + std::to_string(seed.size()) + " bits, expected " +
                                       std::to_string(block.size() + decision.output_bits - 1));
  return std::nullopt;
}

BitString hash(const BitString& raw, std::uint64_t output_bits, const PublicBits& seed, secret::Arena& arena) {
  BitString out(output_bits);
  arena.use([&](secret::Arena::Frame& frame) {
    const auto scratch = frame.words(toeplitz_scratch_words(raw.size(), output_bits));
    raw.with_read([&](std::span<const std::uint64_t> input) {
      out.with_write([&](std::span<std::uint64_t> words) {
        toeplitz(seed.words(), input, raw.size(), output_bits, words, scratch, best_kernel());
      });
    });
  });
  return out;
}

/// Bit k of the value is output bit ell - 32 + k. Deliberate disclosure: these bits leave the key for good.
std::uint32_t cut_check_value(BitString& bits) {
  const std::size_t kept = bits.size() - kCheckBits;
  const auto check = bits.with_read([&](std::span<const std::uint64_t> words) {
    const std::uint64_t low = words[kept / 64] >> (kept % 64);
    const bool split = kept % 64 > 32;
    return static_cast<std::uint32_t>(split ? low | words[kept / 64 + 1] << (64 - kept % 64) : low);
  });
  bits.truncate(kept);
  return check;
}

}  // namespace

Result<PendingKey> amplify(VerifiedBlock&& block, const LengthDecision& decision, const PublicBits& seed, KeyId id,
                           secret::Arena& arena) {
  VerifiedBlock mine = std::move(block);
  if (auto wrong = mismatch(mine, decision, seed)) return std::move(*wrong);
  KeyRecord record;
  record.id = id;
  record.facts = mine.facts();
  record.length = decision.length;
  record.secret_bits = decision.secret_bits;
  record.notes = decision.notes;
  record.epsilon = security_of(record.facts.inputs);
  BitString raw = AmplificationStage::take_raw(std::move(mine));
  BitString bits = hash(raw, decision.output_bits, seed, arena);
  raw.wipe();
  record.check = cut_check_value(bits);
  record.backing = bits.backing();
  return AmplificationStage::pending(std::move(bits), std::move(record));
}

PublicBits draw_seed(std::uint64_t bits, Random& random, std::uint64_t block_index) {
  PublicBits seed(bits);
  random.fill(Purpose::amplification_seed, block_index, std::as_writable_bytes(std::span(seed.words())));
  if (bits % 64 != 0) seed.words().back() &= (std::uint64_t{1} << (bits % 64)) - 1;
  return seed;
}

}  // namespace nicol::distillation
