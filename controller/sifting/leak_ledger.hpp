// SPDX-License-Identifier: Apache-2.0
// Every bit about the raw key that was disclosed, why and when. The key length is computed from this and nothing else.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace nicol::sifting {

/// mismatched and sample bits never enter the key (cost 0); answers are functions of the error string, cost 0
/// (Tupkary-Luetkenhaus 2023, DESIGN.md 6.6); reconciliation = Alice's parity bits; verification = tag bits beyond
/// log2(2/eps_EV); preparation = n(1-q) of amendment 12.
enum class LeakClass : std::uint8_t { mismatched, sample, reconciliation, answers, verification, preparation };
inline constexpr std::size_t kLeakClasses = 6;
std::string_view to_string(LeakClass c) noexcept;

struct LeakEntry {
  LeakClass reason = LeakClass::reconciliation;
  std::uint64_t bits = 0;   // disclosed
  std::uint64_t cost = 0;   // charged to the key
  std::uint32_t round = 0;  // order of disclosure within the block
  bool operator==(const LeakEntry&) const = default;
};

class LeakLedger {
 public:
  void add(LeakClass reason, std::uint64_t bits, std::uint64_t cost);
  std::uint64_t disclosed(LeakClass reason) const;
  std::uint64_t cost(LeakClass reason) const;
  /// leak_ec of the length formulas: all costs together.
  std::uint64_t total_cost() const;
  const std::vector<LeakEntry>& entries() const { return entries_; }
  bool operator==(const LeakLedger&) const = default;

 private:
  std::vector<LeakEntry> entries_;
};

}  // namespace nicol::sifting
