// SPDX-License-Identifier: Apache-2.0
// The tag loop of a receiver. Reads times and detectors, writes bits to locked memory only.
#include "controller/detection/click_judge.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>

#include "controller/secret/large_pages.hpp"

namespace nicol::detection {
namespace {

/// Two gates wide (or the whole slot): an arrival peak that walks out of its gate stays in sight.
std::int64_t bin_picoseconds(const StreamTiming& unit, std::size_t bins) {
  const std::int64_t shown = std::min(2 * unit.gate, unit.period) / unit.den;
  return std::max<std::int64_t>((shown + static_cast<std::int64_t>(bins) - 1) / static_cast<std::int64_t>(bins), 1);
}

/// What a detector says of a slot: bit 0 basis, bit 1 bit. An active receiver's basis is its own setting.
struct Said {
  const std::uint8_t* code_of;
  const std::uint64_t *bases, *swapped;

  static unsigned setting(const std::uint64_t* words, std::int64_t slot) noexcept {
    return static_cast<unsigned>(words[slot / 64] >> (slot % 64)) & 1U;
  }
  unsigned operator()(std::int64_t slot, unsigned who) const noexcept {
    const unsigned c = code_of[who];
    if (bases == nullptr) return c;
    return setting(bases, slot) | ((c & 2U) ^ ((swapped == nullptr ? 0U : setting(swapped, slot)) << 1));
  }
};

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
      row_(bins_ + ArrivalBins<std::int64_t>::kBeyond),
      arrival_(channels.counted().size() * row_),
      beside_gate_(channels.counted().size()) {
  slots_.reserve(capacity_);
  secret::prefer_large_pages(slots_.data(), capacity_ * sizeof(std::uint64_t));
  for (const hal::ChannelLayout& c : channels.counted()) {
    if (c.basis == 1) diagonal_ |= 1U << channel_of_.size();
    codes_[channel_of_.size()] = static_cast<std::uint8_t>(c.basis | (c.bit << 1));
    channel_of_.push_back(c.channel);
  }
}

void ClickJudge::take(const Stretch& stretch, std::span<const std::int64_t> times, std::span<const std::uint8_t> who) {
  const std::int64_t widest = gate_ + blind_ + static_cast<std::int64_t>(bins_) * bin_width_;
  const Places places = places_for(times.size(), stretch.first);
  if (!fits(stretch, times.back(), widest))
    run<Wide, Places::asked>(stretch, times, who);
  else if (places == Places::sure)
    run<std::int64_t, Places::sure>(stretch, times, who);
  else
    run<std::int64_t, Places::asked>(stretch, times, who);
}

/// Room for all clicks of a stretch at once, so that none of them need look for it. The newest click stays at hand: its
/// slot may still be open.
ClickJudge::Places ClickJudge::places_for(std::size_t tags, std::int64_t first_slot) {
  constexpr std::size_t kStep = 4096;
  if (staged_ + tags > kStage) move_out(staged_ - 1);
  if (clicks_ + tags > slots_.size()) slots_.resize(std::min(capacity_, clicks_ + tags + kStep));
  const std::vector<SlotRange>& gone = dropped_->ranges();
  const bool behind = gone.empty() || (first_slot > 0 && gone.back().end <= static_cast<std::uint64_t>(first_slot));
  const bool sure = scope_.bases == nullptr && clicks_ + tags <= slots_.size() && behind;
  return sure ? Places::sure : Places::asked;
}

/// What a run over many tags changes, in registers: through a member each stored code would make the compiler read all
/// others anew.
struct ClickJudge::Open {
  std::int64_t last, slot;
  std::uint32_t fired;
  Scratch::Fate fate;
  std::uint64_t* click;  // behind the newest
  std::uint8_t* code;

  bool several() const noexcept { return (fired & (fired - 1)) != 0 && fate == Scratch::Fate::staged; }
  void begin(std::int64_t next, unsigned who, Scratch::Fate of_it) noexcept {
    slot = next;
    fired = 1U << who;
    fate = of_it;
  }
  /// Writes the click of this slot in any case, counts it if it is one: no branch for a slot that was blind.
  void stage(unsigned said) noexcept {
    *click = static_cast<std::uint64_t>(slot);
    *code = static_cast<std::uint8_t>(said);
    click += fate == Scratch::Fate::staged ? 1 : 0;
    code += fate == Scratch::Fate::staged ? 1 : 0;
  }
};

ClickJudge::Open ClickJudge::open() noexcept {
  const Scratch::Slot& at = scope_.scratch->open;
  return {last_, at.slot, at.fired, at.fate, slots_.data() + clicks_, scope_.scratch->codes + staged_};
}

void ClickJudge::keep(const Open& open) noexcept {
  last_ = open.last;
  scope_.scratch->open = {open.slot, open.fired, open.fate};
  clicks_ = static_cast<std::size_t>(open.click - slots_.data());
  staged_ = static_cast<std::size_t>(open.code - scope_.scratch->codes);
}

template <class Int, ClickJudge::Places kPlaces>
void ClickJudge::run(const Stretch& stretch, std::span<const std::int64_t> times, std::span<const std::uint8_t> who) {
  const Locator<Int> at(stretch, gate_);
  const ArrivalBins<Int> bin(bins_, bin_width_, at.twice_steps());
  const std::uint64_t block_slots = slots_in_block_;
  const std::int64_t blind = blind_, longest = blind_ + gate_;
  const Said said{codes_.data(), kPlaces == Places::sure ? nullptr : scope_.bases, scope_.swapped};
  std::uint32_t* const arrival = arrival_.data();
  const std::size_t row = row_;
  Open open = this->open();
  const std::int64_t* time = times.data();
  const std::int64_t* const end = time + times.size();
  for (; time != end && *time < at.earliest(); ++time) open.last = *time;
  const std::uint8_t* detector = who.data() + (time - times.data());
  for (; time != end; ++time, ++detector) {
    const unsigned w = *detector;
    const std::int64_t gap = std::min(*time - open.last, longest);
    open.last = *time;
    const auto place = at(*time);
    if (static_cast<std::uint64_t>(place.slot) >= block_slots) continue;
    if (!at.in_gate(place.twice)) {
      out_of_gate(bin, place.twice, w);
      continue;
    }
    ++arrival[w * row + bin(place.twice)];
    if (place.slot <= open.slot) {
      open.fired |= further({open.slot, open.fired, open.fate}, place.slot, w);
      continue;
    }
    if (open.several()) settle(open.slot, open.fired, open.code[-1]);
    // Some detector was still blind when this slot's gate opened: the tag before, of whatever slot, is too near.
    const bool is_blind = at.twice_steps() * static_cast<Int>(blind - gap) + place.twice + at.reach() > 0;
    blinded_ += is_blind ? 1 : 0;
    auto fate = is_blind ? Scratch::Fate::blinded : Scratch::Fate::staged;
    if (kPlaces == Places::asked && !is_blind && !has_place(place.slot, open.click)) fate = Scratch::Fate::dropped;
    open.begin(place.slot, w, fate);
    if (kPlaces == Places::sure || fate == Scratch::Fate::staged) open.stage(said(place.slot, w));
  }
  keep(open);
}

/// A tag of a slot that has one already: what it adds to the detectors that fired. (A slot already over is met again
/// only where an extrapolated rate was off by a gate: such a tag blinds and says nothing.)
std::uint32_t ClickJudge::further(Scratch::Slot open, std::int64_t slot, unsigned who) noexcept {
  if (slot != open.slot || open.fired == 0) return 0;
  repeats_ += (open.fired >> who) & 1U;
  blinded_ += open.fate == Scratch::Fate::blinded ? 1 : 0;
  return 1U << who;
}

/// No dropped slot, and the block is not full.
bool ClickJudge::has_place(std::int64_t slot, const std::uint64_t* next) {
  if (dropped_->contains(static_cast<std::uint64_t>(slot))) return false;
  if (next != slots_.data() + slots_.size()) return true;
  overfull_ = true;
  dropped_->add(slot, static_cast<std::int64_t>(slots_in_block_));
  return false;
}

void ClickJudge::complete(std::uint64_t slots) {
  Scratch::Slot& open = scope_.scratch->open;
  if (open.fired == 0 || static_cast<std::uint64_t>(open.slot) >= slots) return;
  const Open at = this->open();
  if (at.several()) settle(open.slot, open.fired, at.code[-1]);
  open.fired = 0;
}

/// A slot with several detectors is over: its click gets its coins.
void ClickJudge::settle(std::int64_t slot, std::uint32_t fired, std::uint8_t& said) {
  std::byte& coin = scope_.scratch->coin;
  random_->fill(Purpose::multi_click, static_cast<std::uint64_t>(slot), std::span(&coin, 1));
  const unsigned coins = static_cast<unsigned>(coin) & 3U;
  const bool active = scope_.bases != nullptr;
  const bool cross = !active && (fired & diagonal_) != 0 && (fired & ~diagonal_) != 0;
  ++(cross ? cross_basis_ : same_basis_);
  said = static_cast<std::uint8_t>(cross ? coins : (said & 1U) | (coins & 2U));
}

template <class Int>
void ClickJudge::out_of_gate(const ArrivalBins<Int>& bin, Int twice, unsigned who) noexcept {
  if (!bin.holds(twice)) {
    ++far_off_;
    return;
  }
  ++arrival_.data()[who * row_ + bin(twice)];
  ++beside_gate_.data()[who];
}
/// Eight codes at a time: the wanted bit of each byte, gathered by one multiplication.
void ClickJudge::pack(unsigned bit, std::size_t words) noexcept {
  Scratch& s = *scope_.scratch;
  for (std::size_t w = 0; w < words; ++w) {
    std::uint64_t packed = 0;
    for (unsigned k = 0; k < 8; ++k) {
      std::uint64_t eight;
      std::memcpy(&eight, s.codes + w * 64 + std::size_t{k} * 8, 8);
      packed |= ((((eight >> bit) & 0x0101010101010101ULL) * 0x0102040810204080ULL) >> 56) << (8 * k);
    }
    s.packed[w] = packed;
  }
}

void ClickJudge::flush() { move_out(staged_); }

void ClickJudge::move_out(std::size_t oldest) {
  Scratch& s = *scope_.scratch;
  const std::size_t words = secret::words_for(oldest);
  pack(0, words);
  bases_.append(std::span(s.packed).first(words), oldest);
  pack(1, words);
  bits_.append(std::span(s.packed).first(words), oldest);
  std::copy(s.codes + oldest, s.codes + staged_, s.codes);
  staged_ -= oldest;
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
    const std::span<const std::uint32_t> row = std::span(arrival_).subspan(d * row_, row_);
    into.arrival.emplace_back(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(bins_));
    into.arrival.back().back() += row.back();
    const std::uint64_t shown =
        std::accumulate(into.arrival.back().begin(), into.arrival.back().end(), std::uint64_t{0});
    into.in_gate += shown - beside_gate_[d];
    into.out_of_gate += beside_gate_[d];
    if (channel_of_[d] >= into.per_channel.size()) into.per_channel.resize(channel_of_[d] + std::size_t{1});
    into.per_channel[channel_of_[d]] += shown - beside_gate_[d];
  }
}

}  // namespace nicol::detection
