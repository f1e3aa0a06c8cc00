// SPDX-License-Identifier: Apache-2.0
// Shuffles and subsets of Cascade's passes, from counter streams.
#include "controller/distillation/cascade_orders.hpp"

#include <algorithm>
#include <bit>

#include "drivers/hal/random.hpp"

namespace nicol::distillation::detail {

namespace {

CounterStream stream(std::uint64_t seed, std::uint32_t pass) {
  return CounterStream({seed, NodeId::alice, Purpose::reconciliation, pass});
}

constexpr std::uint32_t scaled(std::uint32_t random, std::uint32_t below) {
  return static_cast<std::uint32_t>((std::uint64_t{random} * below) >> 32);
}

}  // namespace

Subset::Subset(std::uint32_t bits, std::uint64_t seed, std::uint32_t pass) : mask_((bits + 63) / 64) {
  CounterStream coins = stream(seed, pass);
  for (auto& word : mask_) word = coins();
  if (bits % 64 != 0) mask_.back() &= (std::uint64_t{1} << (bits % 64)) - 1;
  ranks_.reserve(mask_.size() + 1);
  std::uint32_t members = 0;
  for (const std::uint64_t word : mask_) {
    ranks_.push_back(members);
    members += static_cast<std::uint32_t>(std::popcount(word));
  }
  ranks_.push_back(members);
}

std::uint32_t Subset::position(std::uint32_t member) const {
  const auto after = std::upper_bound(ranks_.begin(), ranks_.end(), member);
  const auto word = static_cast<std::uint32_t>(after - ranks_.begin()) - 1;
  std::uint64_t left = mask_[word];
  for (std::uint32_t skip = member - ranks_[word]; skip > 0; --skip) left &= left - 1;
  return word * 64 + static_cast<std::uint32_t>(std::countr_zero(left));
}

std::optional<std::uint32_t> Subset::member(std::uint32_t position) const {
  const std::uint64_t word = mask_[position / 64], bit = std::uint64_t{1} << (position % 64);
  if ((word & bit) == 0) return std::nullopt;
  return ranks_[position / 64] + static_cast<std::uint32_t>(std::popcount(word & (bit - 1)));
}

Shuffle::Shuffle(std::uint32_t bits, std::uint64_t seed, std::uint32_t pass)
    : bits_(bits), positions_(std::make_unique_for_overwrite<std::uint32_t[]>(bits)) {
  std::uint32_t* const order = positions_.get();
  const auto insert = [order](std::uint32_t i, std::uint32_t at) {
    order[i] = order[at];
    order[at] = i;
  };
  CounterStream random = stream(seed, pass);
  order[0] = 0;
  for (std::uint32_t i = 1; i < bits; i += 2) {
    const std::uint64_t draw = random();
    insert(i, scaled(static_cast<std::uint32_t>(draw), i + 1));
    if (i + 1 < bits) insert(i + 1, scaled(static_cast<std::uint32_t>(draw >> 32), i + 2));
  }
}

std::uint32_t Shuffle::place(std::uint32_t position) {
  if (!places_) {
    places_ = std::make_unique_for_overwrite<std::uint32_t[]>(bits_);
    for (std::uint32_t i = 0; i < bits_; ++i) places_[positions_[i]] = i;
  }
  return places_[position];
}

std::uint32_t PassOrders::size(std::uint32_t pass) { return pass < kShuffledPasses ? bits_ : subset(pass).size(); }

Shuffle& PassOrders::shuffle() {
  if (!shuffle_) shuffle_.emplace(bits_, seed_, 1);
  return *shuffle_;
}

const Subset& PassOrders::subset(std::uint32_t pass) {
  const std::size_t index = pass - kShuffledPasses;
  if (subsets_.size() <= index) subsets_.resize(index + 1);
  if (!subsets_[index]) subsets_[index].emplace(bits_, seed_, pass);
  return *subsets_[index];
}

std::uint32_t PassOrders::position(std::uint32_t pass, std::uint32_t place) {
  if (pass >= kShuffledPasses) return subset(pass).position(place);
  for (; pass > 0; --pass) place = shuffle().position(place);
  return place;
}

std::optional<std::uint32_t> PassOrders::place(std::uint32_t pass, std::uint32_t position) {
  if (pass >= kShuffledPasses) return subset(pass).member(position);
  for (; pass > 0; --pass) position = shuffle().place(position);
  return position;
}

}  // namespace nicol::distillation::detail
