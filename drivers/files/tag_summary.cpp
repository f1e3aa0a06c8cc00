// SPDX-License-Identifier: Apache-2.0
// One pass over the words of a tag file.
#include "drivers/files/tag_summary.hpp"

#include <algorithm>

#include "drivers/files/readevents_file.hpp"

namespace nicol::files {

void TagSummariser::add(std::span<const EventWord> events) noexcept {
  for (const EventWord e : events) {
    if (last_word_ && e.ticks() < *last_word_) ++counts_.out_of_order;
    last_word_ = e.ticks();
    if (e.dummy())
      ++counts_.dummies;
    else
      add_event(e);
  }
}

void TagSummariser::add_event(EventWord event) noexcept {
  const std::int64_t t = event.ticks();
  ++counts_.events;
  ++counts_.per_pattern[event.pattern()];
  if (!first_) first_ = t;
  if (last_ && t >= *last_) smallest_ = std::min(smallest_.value_or(t - *last_), t - *last_);
  last_ = t;
}

TagSummary TagSummariser::summary() const noexcept {
  TagSummary s = counts_;
  if (first_) s.span = kReadeventsTick.to_picoseconds(*last_ - *first_);
  if (s.span > Picoseconds{}) s.rate_hz = static_cast<double>(s.events) / s.span.seconds();
  if (smallest_) s.smallest_gap = kReadeventsTick.to_picoseconds(*smallest_);
  return s;
}

Result<TagSummary> summarise_readevents(const std::filesystem::path& path, ReadeventsForm form) {
  Result<ReadeventsReader> reader = ReadeventsReader::open(path, form);
  if (!reader) return std::move(reader).error();
  TagSummariser summariser;
  for (;;) {
    const auto events = reader->next();
    if (!events) return events.error();
    if (events->empty()) return summariser.summary();
    summariser.add(*events);
  }
}

}  // namespace nicol::files
