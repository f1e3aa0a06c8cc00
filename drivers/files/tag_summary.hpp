// SPDX-License-Identifier: Apache-2.0
// What a file of tags holds, at a glance: the figures of `nicol tool tags`.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

#include "drivers/files/readevents.hpp"

namespace nicol::files {

struct TagSummary {
  std::uint64_t events = 0;  // without dummies
  std::uint64_t dummies = 0;
  std::array<std::uint64_t, 16> per_pattern{};  // without dummies
  Picoseconds span;                             // last event less first, in file order, without dummies
  double rate_hz = 0;                           // events over span; 0 where the span is not positive
  std::optional<Picoseconds> smallest_gap;      // between an event and a later one next to it in the file
  std::uint64_t out_of_order = 0;               // words earlier than the word before them, dummies included
  std::uint64_t overflows = 0;                  // readevents words cannot say so: 0
};

class TagSummariser {
 public:
  void add(std::span<const EventWord> events) noexcept;
  TagSummary summary() const noexcept;

 private:
  void add_event(EventWord event) noexcept;
  TagSummary counts_;
  std::optional<std::int64_t> last_word_, first_, last_, smallest_;  // ticks
};

/// Streamed: memory does not grow with the file.
Result<TagSummary> summarise_readevents(const std::filesystem::path& path, ReadeventsForm form);

}  // namespace nicol::files
