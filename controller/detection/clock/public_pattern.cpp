// SPDX-License-Identifier: Apache-2.0
// Where the public slots lie and what they carry.
#include "controller/detection/clock/public_pattern.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "controller/detection/clock/slot_search.hpp"
#include "controller/detection/dropped_slots.hpp"
#include "drivers/hal/philox.hpp"

namespace nicol::detection {
namespace {

enum class Word : std::uint64_t { preamble = 0, comb = 3, tail = 4 };

/// 256 bits of a code. Public by design: nobody may take it for a source of settings, so it has a key of its own beside
/// the seed.
std::array<std::uint64_t, 4> bits_of(std::uint64_t seed, Word which, std::uint64_t block) noexcept {
  constexpr std::uint64_t kPublicPattern = 0x7075626c69630001;
  return philox4x64({block, static_cast<std::uint64_t>(which), 0, 0}, {seed, kPublicPattern});
}
bool bit_of(std::uint64_t seed, Word which, std::uint64_t place) noexcept {
  return ((bits_of(seed, which, place / 256)[place / 64 % 4] >> (place % 64)) & 1U) != 0;
}

std::vector<std::int16_t> twice(std::uint64_t seed, std::uint64_t which, std::int64_t period) {
  std::vector<std::int16_t> out(static_cast<std::size_t>(2 * period));
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = bit_of(seed, static_cast<Word>(which), i % static_cast<std::size_t>(period)) ? 1 : -1;
  return out;
}

void put(std::span<std::uint64_t> words, std::size_t at, std::uint64_t value) {
  words[at / 64] = (words[at / 64] & ~(std::uint64_t{1} << (at % 64))) | value << (at % 64);
}

}  // namespace

PublicPattern::PublicPattern(const PatternLayout& layout) : layout_(layout) {
  for (std::size_t i = 0; i < 3; ++i) codes_[i] = twice(layout.seed, i, kPeriods[i]);
}

Result<PublicPattern> PublicPattern::make(const PatternLayout& p) {
  const auto range = static_cast<std::uint64_t>(kRange);
  if (p.slots == 0 || p.slots >= range || p.preamble == 0 || p.preamble > p.slots || p.tail > p.slots)
    return Error{Code::out_of_range, fmt::format("public pattern of {} slots with a preamble of {} and a tail of {}: "
                                                 "expected 1..{} slots that hold them",
                                                 p.slots, p.preamble, p.tail, range - 1)};
  if (p.spacing < 2 || p.spacing > 4096 || (p.repeat != 0 && p.repeat <= p.preamble))
    return Error{Code::out_of_range, fmt::format("public pattern with spacing {} (expected 2..4096) and a preamble of "
                                                 "{} slots every {}",
                                                 p.spacing, p.preamble, p.repeat)};
  return PublicPattern(p);
}

bool PublicPattern::is_dense(std::uint64_t slot) const noexcept {
  const PatternLayout& p = layout_;
  if (slot < p.preamble || (p.repeat != 0 && slot % p.repeat < p.preamble)) return true;
  return std::any_of(resumed_.begin(), resumed_.end(),
                     [&](std::uint64_t from) { return slot >= from && slot - from < p.preamble; });
}

std::optional<bool> PublicPattern::bit(std::uint64_t slot) const noexcept {
  if (is_dense(slot)) {
    const std::size_t which = slot % 3;
    return codes_[which][slot / 3 % static_cast<std::uint64_t>(kPeriods[which])] > 0;
  }
  if (in_tail(slot)) return bit_of(layout_.seed, Word::tail, slot);
  if (slot % layout_.spacing != 0) return {};
  return bit_of(layout_.seed, Word::comb, slot / layout_.spacing);
}

void PublicPattern::comb_code(std::int64_t first, std::span<std::int16_t> out) const noexcept {
  auto place = static_cast<std::uint64_t>(first);  // negative ones wrap around, and go on
  for (std::size_t i = 0; i < out.size();) {
    const auto words = bits_of(layout_.seed, Word::comb, place / 256);
    for (std::size_t b = place % 256; b < 256 && i < out.size(); ++b, ++i, ++place)
      out[i] = ((words[b / 64] >> (b % 64)) & 1U) != 0 ? std::int16_t{1} : std::int16_t{-1};
  }
}

/// f(SlotRange) for the dense stretches that reach into a range, cut to it; they may overlap.
template <class F>
void PublicPattern::for_each_dense(SlotRange range, F&& f) const {
  const PatternLayout& p = layout_;
  const auto one = [&](std::uint64_t from, std::uint64_t length) {
    const SlotRange cut{std::max(from, range.begin), std::min({from + length, range.end, p.slots})};
    if (cut.begin < cut.end) f(cut);
  };
  one(0, p.preamble);
  one(p.slots - p.tail, p.tail);
  for (const std::uint64_t from : resumed_) one(from, p.preamble);
  if (p.repeat == 0) return;
  for (std::uint64_t from = range.begin / p.repeat * p.repeat; from < range.end; from += p.repeat)
    one(from, p.preamble);
}

void PublicPattern::write(std::uint64_t first_slot, std::size_t slots, std::span<std::uint64_t> bases,
                          std::span<std::uint64_t> bits) const {
  const auto write_one = [&](std::uint64_t slot) {
    put(bases, slot - first_slot, index(layout_.basis));
    put(bits, slot - first_slot, *bit(slot) ? 1 : 0);
  };
  const std::uint64_t end = first_slot + slots, spacing = layout_.spacing;
  for (std::uint64_t slot = (first_slot + spacing - 1) / spacing * spacing; slot < end; slot += spacing)
    write_one(slot);
  for_each_dense({first_slot, end}, [&](SlotRange dense) {
    for (std::uint64_t slot = dense.begin; slot < dense.end; ++slot) write_one(slot);
  });
}

void PublicPattern::resume_at(std::uint64_t first_slot) { resumed_.push_back(first_slot); }

std::uint64_t PublicPattern::public_slots(SlotRange range) const {
  DroppedSlots dense(layout_.slots);
  for_each_dense(range,
                 [&](SlotRange r) { dense.add(static_cast<std::int64_t>(r.begin), static_cast<std::int64_t>(r.end)); });
  const auto comb_below = [&](std::uint64_t slot) { return (slot + layout_.spacing - 1) / layout_.spacing; };
  std::uint64_t count = dense.count() + comb_below(range.end) - comb_below(range.begin);
  for (const SlotRange& r : dense.ranges()) count -= comb_below(r.end) - comb_below(r.begin);
  return count;
}

std::uint64_t preamble_needed(double per_slot, double contrast, double matching) noexcept {
  const double z = std::sqrt(-2 * (std::log(kFalseLock) - std::log(3.0 * 3.0 * 2048.0))) + 4;
  const double wanted = std::max(3 * z * z / (contrast * contrast * matching), 320.0);
  return static_cast<std::uint64_t>(1.25 * wanted / per_slot) + 1;
}

std::uint64_t tail_needed(double per_slot, double contrast, double matching) noexcept {
  constexpr double kWindows = 4, kClicksOfAWindow = 60;  // at contrast 1, with room
  return static_cast<std::uint64_t>(kWindows * kClicksOfAWindow / (contrast * contrast * matching * per_slot)) + 1;
}

void remove_public(Clicks& clicks, const PublicPattern& pattern) {
  remove_clicks(clicks, [&](std::uint64_t slot) { return pattern.is_public(slot); });
}

}  // namespace nicol::detection
