// SPDX-License-Identifier: Apache-2.0
// Sums over the ledger's entries.
#include "controller/sifting/leak_ledger.hpp"

#include <array>

namespace nicol::sifting {

std::string_view to_string(LeakClass c) noexcept {
  constexpr std::array<std::string_view, kLeakClasses> kNames{"mismatched", "sample",       "reconciliation",
                                                              "answers",    "verification", "preparation"};
  const auto i = static_cast<std::size_t>(c);
  return i < kNames.size() ? kNames[i] : "unknown";
}

void LeakLedger::add(LeakClass reason, std::uint64_t bits, std::uint64_t cost) {
  entries_.push_back({reason, bits, cost, static_cast<std::uint32_t>(entries_.size())});
}

std::uint64_t LeakLedger::disclosed(LeakClass reason) const {
  std::uint64_t sum = 0;
  for (const LeakEntry& e : entries_) sum += e.reason == reason ? e.bits : 0;
  return sum;
}

std::uint64_t LeakLedger::cost(LeakClass reason) const {
  std::uint64_t sum = 0;
  for (const LeakEntry& e : entries_) sum += e.reason == reason ? e.cost : 0;
  return sum;
}

std::uint64_t LeakLedger::total_cost() const {
  std::uint64_t sum = 0;
  for (const LeakEntry& e : entries_) sum += e.cost;
  return sum;
}

}  // namespace nicol::sifting
