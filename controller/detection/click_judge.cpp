// SPDX-License-Identifier: Apache-2.0
// The tag loop of a receiver. Reads times and detectors, writes bits to locked memory only.
#include "controller/detection/click_judge.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>

#include "controller/detection/arrival_bins.hpp"

namespace nicol::detection {
namespace {

/// Two gates wide (or the whole slot): an arrival peak that walks out of its gate stays in sight.
std::int64_t bin_picoseconds(const StreamTiming& unit, std::size_t bins) {
  const std::int64_t shown = std::min(2 * unit.gate, unit.period) / unit.den;
  return std::max<std::int64_t>((shown + static_cast<std::int64_t>(bins) - 1) / static_cast<std::int64_t>(bins), 1);
}

}  // namespace

ClickJudge::ClickJudge(const StreamTiming& unit, const ChannelTable& channels, const DetectorOptions& options,
                       DroppedSlots& dropped, Random& random)
    : gate_(unit.gate),
      blind_(unit.blind),
      slots_in_block_(options.slots),
      capacity_(options.capacity),
      bins_(std::max<std::size_t>(options.histogram_bins, 1)),
      bin_width_(bin_picoseconds(unit, bins_) * unit.den),
      bin_{bin_width_ / unit.den},
      dropped_(&dropped),
      random_(&random),
      last_(std::numeric_limits<std::int64_t>::min() / 2),
      bases_(options.capacity),
      bits_(options.capacity),
      arrival_(channels.counted().size() * bins_),
      beside_gate_(channels.counted().size()) {
  slots_.reserve(capacity_);
  for (const hal::ChannelLayout& c : channels.counted()) {
    if (c.basis == 1) diagonal_ |= 1U << codes_.size();
    codes_.push_back(static_cast<std::uint8_t>(c.basis | (c.bit << 1)));
    channel_of_.push_back(c.channel);
  }
}

void ClickJudge::take(const Stretch& stretch, std::span<const std::int64_t> times, std::span<const std::uint8_t> who) {
  const std::int64_t widest = gate_ + blind_ + static_cast<std::int64_t>(bins_) * bin_width_;
  if (fits(stretch, times.back(), widest))
    run<std::int64_t>(stretch, times, who);
  else
    run<Wide>(stretch, times, who);
}

/// Some detector was still blind when this slot's gate opened: the last tag of another slot, or of none, is `gap` ago.
template <class Int>
bool ClickJudge::blinded(std::int64_t gap, const Locator<Int>& at, Int twice) const noexcept {
  if (gap >= blind_ + gate_) return false;
  if (gap < blind_) return true;
  return 2 * at.steps() * static_cast<Int>(blind_ - gap) + twice + at.reach() > 0;
}

template <class Int>
void ClickJudge::run(const Stretch& stretch, std::span<const std::int64_t> times, std::span<const std::uint8_t> who) {
  const Locator<Int> at(stretch, gate_);
  const ArrivalBins<Int> bin(bins_, bin_width_, at.steps());
  const std::int64_t *time = times.data(), *const end = time + times.size();
  const std::uint8_t* detector = who.data();
  std::uint32_t* const arrival = arrival_.data();
  const std::size_t bins = bins_;
  const std::uint64_t slots = slots_in_block_;
  Scratch& scratch = *scope_.scratch;
  Scratch::Slot open = scratch.open;
  std::int64_t last = last_;
  for (; time != end && *time < at.earliest(); ++time, ++detector) last = *time;
  for (; time != end; ++time, ++detector) {
    const std::int64_t t = *time, gap = t - last;
    const unsigned w = *detector;
    const auto place = at(t);
    last = t;
    if (static_cast<std::uint64_t>(place.slot) >= slots) continue;
    if (!bin.holds(place.twice)) {
      ++far_off_;
      continue;
    }
    ++arrival[w * bins + bin(place.twice)];
    if (!at.in_gate(place.twice)) {
      ++beside_gate_[w];
      continue;
    }
    if (place.slot <= open.slot) {
      join(open, place.slot, w);
      continue;
    }
    if (open.fired & (open.fired - 1)) settle(open);
    const bool blind = blinded(gap, at, place.twice);
    blinded_ += blind ? 1 : 0;
    open = {place.slot, 1U << w, blind ? Scratch::Fate::blinded : stage(place.slot, w)};
  }
  last_ = last;
  scratch.open = open;
}

/// A further tag of the open slot. (A slot already over is met again only where an extrapolated rate was off by a gate:
/// such a tag blinds and says nothing.)
void ClickJudge::join(Scratch::Slot& open, std::int64_t slot, unsigned who) noexcept {
  if (slot != open.slot || open.fired == 0) return;
  repeats_ += (open.fired >> who) & 1U;
  blinded_ += open.fate == Scratch::Fate::blinded ? 1 : 0;
  open.fired |= 1U << who;
}

inline ClickJudge::Scratch::Fate ClickJudge::stage(std::int64_t slot, unsigned who) {
  if (!make_room(slot)) return Scratch::Fate::dropped;
  slots_.data()[clicks_++] = static_cast<std::uint64_t>(slot);
  scope_.scratch->codes[staged_++] = static_cast<std::uint8_t>(code(slot, who));
  return Scratch::Fate::staged;
}

/// Room for one more click, unless its slot is dropped or the block is full.
inline bool ClickJudge::make_room(std::int64_t slot) {
  if (dropped_->contains(static_cast<std::uint64_t>(slot))) return false;
  if (clicks_ == slots_.size()) [[unlikely]] {
    constexpr std::size_t kStep = 4096;
    slots_.resize(std::min(capacity_, clicks_ + kStep));
    if (clicks_ == slots_.size()) {
      overfull_ = true;
      dropped_->add(slot, static_cast<std::int64_t>(slots_in_block_));
      return false;
    }
  }
  if (staged_ == kStage) [[unlikely]]
    flush();
  return true;
}

void ClickJudge::complete(std::uint64_t slots) {
  Scratch::Slot& open = scope_.scratch->open;
  if (open.fired == 0 || static_cast<std::uint64_t>(open.slot) >= slots) return;
  settle(open);
  open.fired = 0;
}

inline unsigned ClickJudge::code(std::int64_t slot, unsigned who) const noexcept {
  const unsigned c = codes_.data()[who];
  if (scope_.bases == nullptr) return c;
  const auto setting = [&](const std::uint64_t* words) {
    return static_cast<unsigned>(words[slot / 64] >> (slot % 64)) & 1U;
  };
  const unsigned swapped = scope_.swapped == nullptr ? 0U : setting(scope_.swapped);
  return setting(scope_.bases) | ((c & 2U) ^ (swapped << 1));
}

/// The open slot is over. Several detectors: the last staged click gets its coins.
void ClickJudge::settle(Scratch::Slot& open) {
  if (std::has_single_bit(open.fired) || open.fate != Scratch::Fate::staged) return;
  Scratch& scratch = *scope_.scratch;
  random_->fill(Purpose::multi_click, static_cast<std::uint64_t>(open.slot), std::span(&scratch.coin, 1));
  const unsigned coins = static_cast<unsigned>(scratch.coin) & 3U;
  const bool active = scope_.bases != nullptr;
  const bool cross = !active && (open.fired & diagonal_) != 0 && (open.fired & ~diagonal_) != 0;
  ++(cross ? cross_basis_ : same_basis_);
  std::uint8_t& said = scratch.codes[staged_ - 1];
  said = static_cast<std::uint8_t>(cross ? coins : (said & 1U) | (coins & 2U));
}

/// Eight codes at a time: the wanted bit of each byte, gathered by one multiplication.
void ClickJudge::pack(unsigned bit, std::size_t words) noexcept {
  Scratch& s = *scope_.scratch;
  for (std::size_t w = 0; w < words; ++w) {
    std::uint64_t packed = 0;
    for (unsigned k = 0; k < 8; ++k) {
      std::uint64_t eight;
      std::memcpy(&eight, s.codes + w * 64 + k * 8, 8);
      packed |= ((((eight >> bit) & 0x0101010101010101ULL) * 0x0102040810204080ULL) >> 56) << (8 * k);
    }
    s.packed[w] = packed;
  }
}

void ClickJudge::flush() {
  Scratch& s = *scope_.scratch;
  const std::size_t words = secret::words_for(staged_);
  std::fill_n(s.codes + staged_, words * 64 - staged_, std::uint8_t{0});
  pack(0, words);
  bases_.append(std::span(s.packed).first(words), staged_);
  pack(1, words);
  bits_.append(std::span(s.packed).first(words), staged_);
  staged_ = 0;
}

Clicks ClickJudge::take_clicks() {
  slots_.resize(clicks_);
  return {std::move(slots_), bases_.finish(), bits_.finish(), dropped_->ranges()};
}

void ClickJudge::report(DetectionReport& into) const {
  into.out_of_gate = far_off_;
  into.repeats = repeats_;
  into.same_basis_multi = same_basis_;
  into.cross_basis_multi = cross_basis_;
  into.blinded = blinded_;
  into.histogram_bin = bin_;
  for (std::size_t d = 0; d < channel_of_.size(); ++d) {
    const auto row = arrival_.begin() + static_cast<std::ptrdiff_t>(d * bins_);
    into.arrival.emplace_back(row, row + static_cast<std::ptrdiff_t>(bins_));
    const std::uint64_t shown =
        std::accumulate(into.arrival.back().begin(), into.arrival.back().end(), std::uint64_t{0});
    into.in_gate += shown - beside_gate_[d];
    into.out_of_gate += beside_gate_[d];
    if (channel_of_[d] >= into.per_channel.size()) into.per_channel.resize(channel_of_[d] + std::size_t{1});
    into.per_channel[channel_of_[d]] += shown - beside_gate_[d];
  }
}

}  // namespace nicol::detection
