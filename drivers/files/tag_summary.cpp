// SPDX-License-Identifier: Apache-2.0
// One pass over the entries of a tag file.
#include "drivers/files/tag_summary.hpp"

#include <algorithm>

namespace nicol::files {

void TagSummariser::add(std::span<const FileEvent> events) {
  for (const FileEvent& e : events) {
    if (e.kind == FileEvent::Kind::loss) {
      ++counts_.overflows;
      continue;
    }
    if (last_entry_ && e.ticks < *last_entry_) ++counts_.out_of_order;
    last_entry_ = e.ticks;
    if (e.kind == FileEvent::Kind::dummy)
      ++counts_.dummies;
    else
      add_event(e);
  }
}

void TagSummariser::add_event(const FileEvent& event) {
  const std::int64_t t = event.ticks;
  ++counts_.events;
  ++counts_.per_pattern[event.pattern];
  if (!first_) first_ = t;
  if (last_ && t >= *last_) smallest_ = std::min(smallest_.value_or(t - *last_), t - *last_);
  last_ = t;
}

TagSummary TagSummariser::summary() const {
  TagSummary s = counts_;
  if (first_) s.span = tick_.to_picoseconds(*last_ - *first_);
  if (s.span > Picoseconds{}) s.rate_hz = static_cast<double>(s.events) / s.span.seconds();
  if (smallest_) s.smallest_gap = tick_.to_picoseconds(*smallest_);
  return s;
}

Result<TagSummary> summarise(TagFile& file) {
  TagSummariser summariser(file.tick());
  for (;;) {
    const auto events = file.next();
    if (!events) return events.error();
    if (events->empty()) return summariser.summary();
    summariser.add(*events);
  }
}

}  // namespace nicol::files
