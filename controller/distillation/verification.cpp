// SPDX-License-Identifier: Apache-2.0
// Verification: both sides hash what reconciliation left under a key drawn afterwards; Bob compares Alice's tag.
#include "controller/distillation/verification.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

#include "controller/distillation/gf128.hpp"
#include "controller/secret/constant_time.hpp"

namespace nicol::distillation {

struct VerificationStage {
  static const BitString& raw(const ReconciledBlock& block) { return block.raw_; }
  static VerifiedBlock verified(ReconciledBlock&& block, const sifting::LeakEntry& entry) {
    block.facts_.ledger.add(entry.reason, entry.bits, entry.cost);
    return VerifiedBlock(std::move(block.raw_), std::move(block.facts_));
  }
};

namespace {

constexpr unsigned kMaximumTagBits = 128;

/// The agreed width, or the next whole byte that keeps the collision probability within eps_EV.
std::optional<unsigned> tag_width(const BlockFacts& facts, std::uint64_t bits) {
  unsigned width = std::clamp((facts.inputs.verification_bits + 7) / 8 * 8, 8u, kMaximumTagBits);
  while (width < kMaximumTagBits && verification_collision(bits, width) > facts.inputs.epsilon.ev) width += 8;
  if (verification_collision(bits, width) > facts.inputs.epsilon.ev) return std::nullopt;
  return width;
}

/// DESIGN 6.7: charged once as max(tag bits, log2(2/eps_EV)); the length formula takes the second term itself.
sifting::LeakEntry charge(const BlockFacts& facts, unsigned tag_bits) {
  const double beyond = static_cast<double>(tag_bits) - std::log2(2.0 / facts.inputs.epsilon.ev);
  return {sifting::LeakClass::verification, tag_bits, static_cast<std::uint64_t>(std::ceil(std::max(0.0, beyond))), 0};
}

std::array<std::uint8_t, 16> tag_of(const BitString& raw, const std::array<std::uint8_t, 16>& key, unsigned tag_bits) {
  const auto halves = std::bit_cast<std::array<std::uint64_t, 2>>(key);
  const detail::Gf128 hash = raw.with_read([&](std::span<const std::uint64_t> words) {
    return detail::polynomial_hash(words, raw.size(), {halves[0], halves[1]});
  });
  auto tag = std::bit_cast<std::array<std::uint8_t, 16>>(std::array{hash.low, hash.high});
  std::fill(tag.begin() + tag_bits / 8, tag.end(), std::uint8_t{0});
  return tag;
}

Error too_short(const BlockFacts& facts, std::uint64_t bits) {
  return {Code::refused,
          "no verification tag of up to 128 bits keeps the collision probability of " + std::to_string(bits) +
              " bits within eps_EV " + std::to_string(facts.inputs.epsilon.ev),
          {},
          0,
          {}};
}

}  // namespace

static_assert(std::endian::native == std::endian::little, "packed words are written as little-endian bytes");

double verification_collision(std::uint64_t bits, unsigned tag_bits) noexcept {
  const double blocks = std::ceil(static_cast<double>(bits) / 128.0);
  return std::min(1.0, std::ldexp(blocks + 1.0, -static_cast<int>(std::min(tag_bits, kMaximumTagBits))));
}

Result<VerificationProver> VerificationProver::start(ReconciledBlock&& block, Random& random,
                                                     std::uint64_t block_index) {
  const auto width = tag_width(block.facts(), block.size());
  if (!width) return too_short(block.facts(), block.size());
  VerificationMessage message;
  message.tag_bits = *width;
  random.fill(Purpose::verification, block_index, std::as_writable_bytes(std::span(message.key)));
  message.tag = tag_of(VerificationStage::raw(block), message.key, *width);
  return VerificationProver(std::move(block), message);
}

VerificationProver::VerificationProver(ReconciledBlock&& block, VerificationMessage message)
    : block_(std::move(block)), message_(message) {}

VerifiedBlock VerificationProver::accept() && {
  const auto entry = charge(block_.facts(), message_.tag_bits);
  return VerificationStage::verified(std::move(block_), entry);
}

Result<VerificationOutcome> check_verification(ReconciledBlock&& block, const VerificationMessage& message) {
  ReconciledBlock mine = std::move(block);
  const auto width = tag_width(mine.facts(), mine.size());
  if (!width) return too_short(mine.facts(), mine.size());
  if (message.tag_bits != *width)
    return Error{
        Code::bad_input,
        "verification tag of " + std::to_string(message.tag_bits) + " bits, expected " + std::to_string(*width),
        {},
        0,
        {}};
  const auto expected = tag_of(VerificationStage::raw(mine), message.key, *width);
  VerificationOutcome outcome;
  if (!secret::equal_ct(std::span<const std::uint8_t>(expected), std::span<const std::uint8_t>(message.tag)))
    return outcome;
  const auto entry = charge(mine.facts(), *width);
  outcome.block = VerificationStage::verified(std::move(mine), entry);
  return outcome;
}

}  // namespace nicol::distillation
