// SPDX-License-Identifier: Apache-2.0
// What a file of tags holds, at a glance: the figures of `nicol tool tags`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>

#include "drivers/files/tag_file.hpp"

namespace nicol::files {

struct TagSummary {
  std::uint64_t events = 0;  // without dummies
  std::uint64_t dummies = 0;
  std::map<std::uint32_t, std::uint64_t> per_pattern;  // without dummies
  Picoseconds span;                                    // last event less first, in file order, without dummies
  double rate_hz = 0;                                  // events over span; 0 where the span is not positive
  std::optional<Picoseconds> smallest_gap;             // between an event and a later one next to it in the file
  std::uint64_t out_of_order = 0;                      // entries earlier than the entry before them, dummies included
  std::uint64_t overflows = 0;                         // places where the file says that events were lost
};

class TagSummariser {
 public:
  explicit TagSummariser(TickLength tick) : tick_(tick) {}
  void add(std::span<const FileEvent> events);
  TagSummary summary() const;

 private:
  void add_event(const FileEvent& event);
  TickLength tick_;
  TagSummary counts_;
  std::optional<std::int64_t> last_entry_, first_, last_, smallest_;  // ticks
};

/// Streamed: memory does not grow with the file.
Result<TagSummary> summarise(TagFile& file);

}  // namespace nicol::files
