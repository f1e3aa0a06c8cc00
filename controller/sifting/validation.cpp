// SPDX-License-Identifier: Apache-2.0
// Checks of the detection list and of the bases reply.
#include "controller/sifting/validation.hpp"

#include <fmt/core.h>

#include <limits>

#include "controller/secret/bit_string.hpp"

namespace nicol::sifting {
namespace {

Error bad(std::string message) { return Error{Code::bad_input, std::move(message)}; }

Result<void> check_slots(const std::vector<std::uint64_t>& slots, std::uint64_t block_slots) {
  if (slots.size() > std::numeric_limits<std::uint32_t>::max())
    return bad(fmt::format("detection list: {} entries, expected at most 2^32 - 1", slots.size()));
  for (std::size_t i = 1; i < slots.size(); ++i)
    if (slots[i] <= slots[i - 1])
      return bad(fmt::format("detection list: entry {} is slot {}, expected above {}", i, slots[i], slots[i - 1]));
  if (!slots.empty() && slots.back() >= block_slots)
    return bad(fmt::format("detection list: entry {} is slot {}, expected below {}", slots.size() - 1, slots.back(),
                           block_slots));
  return {};
}

Result<void> check_dropped(const DetectionList& list, std::uint64_t block_slots) {
  std::uint64_t free_from = 0;
  std::size_t click = 0;
  for (std::size_t i = 0; i < list.dropped.size(); ++i) {
    const detection::SlotRange& r = list.dropped[i];
    if (r.begin < free_from || r.end <= r.begin || r.end > block_slots)
      return bad(fmt::format("dropped range {} is {}..{}, expected a range within {}..{}", i, r.begin, r.end, free_from,
                             block_slots));
    while (click < list.slots.size() && list.slots[click] < r.begin) ++click;
    if (click < list.slots.size() && list.slots[click] < r.end)
      return bad(fmt::format("detection list: entry {} is slot {}, expected outside the dropped range {}..{}", click,
                             list.slots[click], r.begin, r.end));
    free_from = r.end;
  }
  return {};
}

}  // namespace

Result<void> check_bits(const PublicBits& bits, std::size_t size, std::string_view name) {
  if (bits.size() != size) return bad(fmt::format("{}: {} bits, expected {}", name, bits.size(), size));
  if (bits.words().size() != secret::words_for(size))
    return bad(fmt::format("{}: {} words, expected {}", name, bits.words().size(), secret::words_for(size)));
  if (size % 64 != 0 && (bits.words().back() >> (size % 64)) != 0)
    return bad(fmt::format("{}: unused bits of the last word, expected zero", name));
  return {};
}

Result<void> check_list(const DetectionList& list, std::uint64_t block_slots) {
  if (auto ok = check_slots(list.slots, block_slots); !ok) return ok;
  if (auto ok = check_bits(list.bases, list.slots.size(), "bases of the detection list"); !ok) return ok;
  return check_dropped(list, block_slots);
}

Result<void> check_reply(const BasesReply& reply, std::size_t entries) {
  if (auto ok = check_bits(reply.kept, entries, "kept entries"); !ok) return ok;
  const std::size_t kept = reply.kept.popcount();
  if (auto ok = check_bits(reply.bases, kept, "bases of kept entries"); !ok) return ok;
  if (reply.slots_kept_total < kept)
    return bad(
        fmt::format("slots kept in all: {}, expected at least the {} of the list", reply.slots_kept_total, kept));
  return {};
}

}  // namespace nicol::sifting
