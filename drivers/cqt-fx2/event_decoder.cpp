// SPDX-License-Identifier: Apache-2.0
// Low word: [8:0] phase pattern, [13:9] fast counter (2 ns), [15:14] inputs 3 and 2, [17:16] inputs 1 and 0, [31:24]
// the slow counter's lowest eight bits (64 ns); high word: the rest of it.
#include "drivers/cqt-fx2/event_decoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace nicol::cqt_fx2 {
namespace {

/// The slow counter is latched late: below this fast count it still shows the count before.
constexpr std::uint64_t kCarryBelow = 17;
constexpr unsigned kFineBits = 4, kFastBits = 5, kSlowBits = 40;
constexpr std::uint64_t kSlowMask = (std::uint64_t{1} << kSlowBits) - 1;

std::optional<unsigned> number(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

}  // namespace

Result<PhaseTable> PhaseTable::parse(std::string_view text) {
  PhaseTable table;
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    const std::size_t colon = std::min(entry.find(':'), entry.size());
    const auto pattern = number(entry.substr(0, colon), 511);
    const auto sixteenths = number(entry.substr(std::min(colon + 1, entry.size())), 15);
    if (!pattern || !sixteenths)
      return Error{Code::bad_input,
                   fmt::format("phases: \"{}\" is not pattern:sixteenths with 0..511 and 0..15", entry),
                   "cqt-fx2",
                   0,
                   {}};
    if (table.by_pattern_[*pattern] == kUnknown) ++table.known_;
    table.by_pattern_[*pattern] = static_cast<std::uint8_t>(*sixteenths);
  }
  return table;
}

std::optional<std::uint8_t> PhaseTable::sixteenths(unsigned pattern) const {
  const std::uint8_t value = by_pattern_[pattern & 0x1ffU];
  if (value == kUnknown) return std::nullopt;
  return value;
}

Event decode(std::uint64_t word, const PhaseTable& phases) {
  const std::uint64_t fast = word >> 9 & 0x1f;
  std::uint64_t slow = word >> 24 & kSlowMask;
  if (fast < kCarryBelow) slow = (slow + 1) & kSlowMask;
  const auto fine = phases.sixteenths(static_cast<unsigned>(word & 0x1ff));
  Event event;
  event.time = slow << (kFastBits + kFineBits) | fast << kFineBits | fine.value_or(0);
  event.inputs = static_cast<std::uint8_t>((word >> 12 & 0xc) | (word >> 16 & 0x3));
  event.phase_known = fine.has_value() || phases.empty();
  return event;
}

std::optional<std::uint64_t> EventDecoder::word(std::span<const std::uint8_t>& bytes) {
  const std::size_t take = std::min(kWord - used_, bytes.size());
  std::copy_n(bytes.begin(), take, kept_.begin() + static_cast<std::ptrdiff_t>(used_));
  bytes = bytes.subspan(take);
  used_ += take;
  if (used_ < kWord) return std::nullopt;
  used_ = 0;
  std::uint64_t value = 0;
  for (std::size_t i = kWord; i-- > 0;) value = value << 8 | kept_[i];
  return value;
}

std::optional<Event> EventDecoder::next(std::span<const std::uint8_t>& bytes) {
  while (const auto value = word(bytes))
    if (*value != 0) return decode(*value, phases_);
  return std::nullopt;
}

}  // namespace nicol::cqt_fx2
