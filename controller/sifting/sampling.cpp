// SPDX-License-Identifier: Apache-2.0
// Coins: which sifted bits are disclosed. Independent, one 32-bit word each, compared with the share's threshold.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <stdexcept>

#include "controller/secret/bit_ops.hpp"
#include "controller/sifting/sifting.hpp"
#include "controller/sifting/validation.hpp"

namespace nicol::sifting {
namespace {

constexpr double kCertain = 4294967296.0;  // 2^32 of 2^32
constexpr std::size_t kBatch = 16384;

void append(PublicBits& to, std::size_t at, const PublicBits& bits) {
  secret::bits::copy(bits.words(), 0, to.words(), at, bits.size());
}

std::uint64_t pack64(const std::uint32_t* words, std::size_t count, std::uint32_t threshold) {
  std::uint64_t packed = 0;
  for (std::size_t k = 0; k < count; ++k) packed |= std::uint64_t{words[k] < threshold ? 1U : 0U} << k;
  return packed;
}

/// A draw of Random has one index: block, basis and batch make it.
PublicBits throw_coins(std::size_t coins, std::uint32_t threshold, Random& random, std::uint64_t first_index) {
  PublicBits out(coins);
  std::vector<std::uint32_t> words(std::min(coins, kBatch));
  for (std::size_t begin = 0; begin < coins; begin += kBatch) {
    const std::size_t count = std::min(kBatch, coins - begin);
    random.fill(Purpose::sample_coins, first_index + begin / kBatch,
                std::as_writable_bytes(std::span(words).first(count)));
    for (std::size_t k = 0; k < count; k += 64)
      out.words()[(begin + k) / 64] = pack64(words.data() + k, std::min<std::size_t>(64, count - k), threshold);
  }
  return out;
}

}  // namespace

double planned_share(const SamplePlan& plan, Basis basis, std::size_t sifted) {
  const bool makes_key = plan.key_bases == KeyBases::both || basis == Basis::rectilinear;
  if (!makes_key || sifted == 0) return 1;
  const double least = static_cast<double>(plan.key_basis_minimum) / static_cast<double>(sifted);
  const double share = std::clamp(std::max(least, plan.key_basis_share), 0.0, 1.0);
  return std::ceil(share * kCertain) / kCertain;  // exactly what 32-bit coins give
}

SampleCoins draw_coins(const SiftedBlock& block, const SamplePlan& plan, Random& random, std::uint64_t block_index) {
  SampleCoins coins;
  for (const Basis b : detection::kBases) {
    const std::size_t i = detection::index(b), n = block.size(b);
    const double share = coins.share[i] = planned_share(plan, b, n);
    coins.sample[i] =
        share >= 1 ? PublicBits(n).complement()
                   : throw_coins(n, static_cast<std::uint32_t>(share * kCertain), random, (block_index * 2 + i) << 20);
  }
  return coins;
}

Result<void> check_coins(const SampleCoins& coins, const SiftedBlock& block, const SamplePlan& plan) {
  for (const Basis b : detection::kBases) {
    const std::size_t i = detection::index(b), n = block.size(b);
    if (auto ok = check_bits(coins.sample[i], n, i == 0 ? "rectilinear coins" : "diagonal coins"); !ok) return ok;
    const double share = planned_share(plan, b, n);
    if (!(std::abs(coins.share[i] - share) <= 0x1.0p-40))
      return Error{Code::bad_input, fmt::format("coins of basis {}: share {}, expected {}", i, coins.share[i], share)};
    const std::size_t ones = coins.sample[i].popcount();
    if (share >= 1 && ones != n)
      return Error{Code::bad_input, fmt::format("coins of basis {}: {} of {} disclosed, expected all", i, ones, n)};
  }
  return {};
}

PublicBits disclose_sample(SiftedBlock& block, const SampleCoins& coins) {
  for (const Basis b : detection::kBases)
    if (coins.sample[detection::index(b)].size() != block.size(b)) throw std::logic_error("coins of another block");
  const PublicBits first = block.bits(Basis::rectilinear).disclose(coins.sample[0]);
  const PublicBits second = block.bits(Basis::diagonal).disclose(coins.sample[1]);
  PublicBits sample(first.size() + second.size());
  append(sample, 0, first);
  append(sample, first.size(), second);
  block.ledger().add(LeakClass::sample, sample.size(), 0);
  return sample;
}

}  // namespace nicol::sifting
