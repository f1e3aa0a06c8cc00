// SPDX-License-Identifier: Apache-2.0
// The tag loop of a receiver. Reads times and detectors, writes bits to locked memory only.
#include "controller/detection/click_judge.hpp"

#include <bit>
#include <limits>

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
      in_gate_(channels.counted().size()),
      arrival_(channels.counted().size() * bins_) {
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
  const std::int64_t* const time = times.data();
  const std::uint8_t* const detector = who.data();
  std::uint64_t* const in_gate = in_gate_.data();
  std::uint32_t* const arrival = arrival_.data();
  Scratch::Slot open = scope_.scratch->open;
  std::int64_t last = last_;
  std::size_t i = 0;
  for (; i < times.size() && time[i] < at.earliest(); ++i) last = time[i];
  for (; i < times.size(); ++i) {
    const std::int64_t t = time[i];
    const auto place = at(t);
    const std::int64_t gap = t - last;
    last = t;
    if (static_cast<std::uint64_t>(place.slot) >= slots_in_block_) continue;
    const unsigned w = detector[i];
    if (bin.holds(place.twice)) ++arrival[w * bins_ + bin(place.twice)];
    if (!at.in_gate(place.twice)) {
      ++out_of_gate_;
      continue;
    }
    ++in_gate[w];
    if (place.slot <= open.slot) {
      join(open, place.slot, w);
      continue;
    }
    close(open);
    const bool blind = blinded(gap, at, place.twice);
    blinded_ += blind ? 1 : 0;
    open = {place.slot, 1U << w, static_cast<std::uint8_t>(blind ? 1 : 0), static_cast<std::uint8_t>(w)};
  }
  last_ = last;
  scope_.scratch->open = open;
}

/// A further tag of the open slot. (A slot already over is met again only where an extrapolated rate was off by a gate:
/// such a tag blinds and says nothing.)
void ClickJudge::join(Scratch::Slot& open, std::int64_t slot, unsigned who) noexcept {
  if (slot != open.slot || open.fired == 0) return;
  repeats_ += (open.fired >> who) & 1U;
  blinded_ += open.blind;
  open.fired |= 1U << who;
}

void ClickJudge::complete(std::uint64_t slots) {
  Scratch::Slot& open = scope_.scratch->open;
  if (open.fired != 0 && static_cast<std::uint64_t>(open.slot) < slots) close(open);
}

inline void ClickJudge::close(Scratch::Slot& open) {
  const std::uint32_t fired = open.fired;
  open.fired = 0;
  if (fired == 0 || open.blind != 0 || dropped_->contains(static_cast<std::uint64_t>(open.slot))) return;
  open.fired = fired;
  const unsigned code = std::has_single_bit(fired) ? single(open) : several(open);
  open.fired = 0;
  emit(static_cast<std::uint64_t>(open.slot), code);
}

inline unsigned ClickJudge::single(const Scratch::Slot& open) const noexcept {
  const unsigned code = codes_[open.first];
  if (scope_.bases == nullptr) return code;
  const auto setting = [&](const std::uint64_t* words) {
    return static_cast<unsigned>(words[open.slot / 64] >> (open.slot % 64)) & 1U;
  };
  const unsigned swapped = scope_.swapped == nullptr ? 0U : setting(scope_.swapped);
  return setting(scope_.bases) | ((code & 2U) ^ (swapped << 1));
}

unsigned ClickJudge::several(const Scratch::Slot& open) {
  std::byte& coin = scope_.scratch->coin;
  random_->fill(Purpose::multi_click, static_cast<std::uint64_t>(open.slot), std::span(&coin, 1));
  const unsigned random = static_cast<unsigned>(coin) & 3U;
  const bool active = scope_.bases != nullptr;
  const bool cross = !active && (open.fired & diagonal_) != 0 && (open.fired & ~diagonal_) != 0;
  ++(cross ? cross_basis_ : same_basis_);
  return cross ? random : (single(open) & 1U) | (random & 2U);
}

inline void ClickJudge::emit(std::uint64_t slot, unsigned code) {
  if (slots_.size() == capacity_) [[unlikely]] {
    overfull_ = true;
    dropped_->add(static_cast<std::int64_t>(slot), static_cast<std::int64_t>(slots_in_block_));
    return;
  }
  slots_.push_back(slot);
  Scratch& s = *scope_.scratch;
  const std::size_t word = staged_ / 64, bit = staged_ % 64;
  s.bases[word] |= std::uint64_t{code & 1U} << bit;
  s.bits[word] |= std::uint64_t{(code >> 1) & 1U} << bit;
  if (++staged_ == kStage) flush();
}

void ClickJudge::flush() {
  Scratch& s = *scope_.scratch;
  const std::size_t words = secret::words_for(staged_);
  bases_.append(std::span(s.bases).first(words), staged_);
  bits_.append(std::span(s.bits).first(words), staged_);
  std::fill_n(s.bases, words, 0);
  std::fill_n(s.bits, words, 0);
  staged_ = 0;
}

Clicks ClickJudge::take_clicks() { return {std::move(slots_), bases_.finish(), bits_.finish(), dropped_->ranges()}; }

void ClickJudge::report(DetectionReport& into) const {
  into.out_of_gate = out_of_gate_;
  into.repeats = repeats_;
  into.same_basis_multi = same_basis_;
  into.cross_basis_multi = cross_basis_;
  into.blinded = blinded_;
  into.histogram_bin = bin_;
  for (std::size_t d = 0; d < in_gate_.size(); ++d) {
    into.in_gate += in_gate_[d];
    if (channel_of_[d] >= into.per_channel.size()) into.per_channel.resize(channel_of_[d] + std::size_t{1});
    into.per_channel[channel_of_[d]] += in_gate_[d];
    const auto row = arrival_.begin() + static_cast<std::ptrdiff_t>(d * bins_);
    into.arrival.emplace_back(row, row + static_cast<std::ptrdiff_t>(bins_));
  }
}

}  // namespace nicol::detection
