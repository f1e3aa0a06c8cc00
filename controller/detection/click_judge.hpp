// SPDX-License-Identifier: Apache-2.0
// The rules of DESIGN.md 6.2, in their order: liveness first, then what a slot with one or several tags says.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "controller/detection/arrival_bins.hpp"
#include "controller/detection/slot_detector.hpp"
#include "controller/detection/slot_stream.hpp"

namespace nicol::detection {

class ClickJudge final : public TagSink {
 public:
  static constexpr std::size_t kStage = 131072;  // opening the collectors costs as many tags as they are long
  static_assert(kStage > SlotStream::kQueue);
  /// Everything that waits between two calls and could tell a bit; lives in locked memory.
  struct Scratch {
    std::int64_t times[SlotStream::kQueue];
    std::uint8_t who[SlotStream::kQueue];
    std::uint8_t codes[kStage];  // of judged clicks: bit 0 basis, bit 1 bit
    std::uint64_t packed[kStage / 64];
    enum class Fate : std::uint8_t { blinded, dropped, staged };
    struct Slot {
      std::int64_t slot;
      std::uint32_t fired;  // detectors, by index; 0: nothing open
      Fate fate;            // staged: its click is the newest of `codes`
    } open;
    std::byte coin;
  };

  ClickJudge(const StreamTiming& unit, const ChannelTable& channels, const DetectorOptions& options,
             DroppedSlots& dropped, Random& random);

  /// The locked scratch and, for an active receiver, its settings: valid until the scope of the call closes.
  struct Scope {
    Scratch* scratch = nullptr;
    const std::uint64_t* bases = nullptr;
    const std::uint64_t* swapped = nullptr;
  };
  void enter(Scope scope) noexcept { scope_ = scope; }
  void leave() noexcept { scope_ = {}; }

  void take(const Stretch& stretch, std::span<const std::int64_t> times, std::span<const std::uint8_t> who) override;
  void before_block(std::int64_t time) override { last_ = time; }
  void complete(std::uint64_t slots) override;

  /// A click found no room.
  bool overfull() const { return overfull_; }
  std::span<const std::uint64_t> slots() const { return std::span(slots_).first(clicks_); }
  /// Moves what is staged to the collectors; the scope must be open.
  void flush();
  Clicks take_clicks();
  void report(DetectionReport& into) const;

 private:
  /// sure: a passive receiver, no dropped slot ahead and memory for every tag, so that no click need ask.
  enum class Places : std::uint8_t { asked, sure };
  Places places_for(std::size_t tags, std::int64_t first_slot);
  struct Open;
  Open open() noexcept;
  void keep(const Open& open) noexcept;
  template <class Int, Places kPlaces>
  void run(const Stretch& stretch, std::span<const std::int64_t> times, std::span<const std::uint8_t> who);
  template <class Int>
  void out_of_gate(const ArrivalBins<Int>& bin, Int twice, unsigned who) noexcept;
  std::uint32_t further(Scratch::Slot open, std::int64_t slot, unsigned who) noexcept;
  bool has_place(std::int64_t slot, const std::uint64_t* next);
  void settle(std::int64_t slot, std::uint32_t fired, std::uint8_t& said);
  void pack(unsigned bit, std::size_t words) noexcept;
  void move_out(std::size_t oldest);

  std::int64_t gate_, blind_;
  std::uint64_t slots_in_block_;
  std::size_t capacity_, bins_;
  std::int64_t bin_width_;  // stream time
  Picoseconds bin_;
  std::array<std::uint8_t, 32> codes_{};  // by detector: bit 0 basis, bit 1 bit
  std::uint32_t diagonal_ = 0;            // detectors of the diagonal basis
  std::vector<std::uint16_t> channel_of_;
  DroppedSlots* dropped_;
  Random* random_;
  Scope scope_;

  std::int64_t last_;                 // time of the last tag, of whatever slot
  std::vector<std::uint64_t> slots_;  // grows in steps within its reserve; clicks_ of them count
  std::size_t clicks_ = 0;
  secret::BitCollector bases_, bits_;
  std::size_t staged_ = 0;
  bool overfull_ = false;
  std::size_t row_;  // bins of a detector in arrival_, with the one beyond
  std::vector<std::uint32_t> arrival_;
  std::vector<std::uint64_t> beside_gate_;  // by detector: in the histogram but out of the gate
  std::uint64_t far_off_ = 0, repeats_ = 0, same_basis_ = 0, cross_basis_ = 0, blinded_ = 0;
};

}  // namespace nicol::detection
